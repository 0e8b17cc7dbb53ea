"""What decoding bytes from outside may raise: malformed JSON or text, the wrong shape, or nesting without end."""

from __future__ import annotations

from typing import Final

import msgspec

INVALID: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
