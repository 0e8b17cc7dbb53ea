"""All that a whole answer has written, for counting its tokens when the provider did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from inference.wire.decoding import INVALID

_HOLDERS: Final = ("choices", "message", "output", "tool_calls", "function_call", "function", "custom")
"""What text stands in, on any wire."""
_TEXTS: Final = (
    "reasoning_content", "reasoning", "thinking", "content", "refusal", "text", "name", "arguments", "input",
)  # fmt: skip
"""In the order in which a stream would bring them."""


def written_text(body: bytes) -> str:
    """Of every choice and block, with reasoning that is shown and calls of tools; empty when it is no answer."""
    try:
        return "".join(_texts(msgspec.json.decode(body)))
    except INVALID:
        return ""


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _texts(item)
    elif isinstance(part, dict):
        for name in (*_TEXTS, *_HOLDERS):
            yield from _text(name, part.get(name))


def _text(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if name not in _HOLDERS:
            yield value
    elif name == "input" and isinstance(value, dict):
        yield msgspec.json.encode(value).decode()
    else:
        yield from _texts(value)
