"""Lua scripts that Redis runs in one atomic step."""

from __future__ import annotations

import hashlib
from pathlib import Path

from governance.redis_pipe import Command, pack


class Script:
    """A Lua script, called by its digest."""

    def __init__(self, path: Path) -> None:
        self.source = path.read_bytes()
        self.digest = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()

    def load(self) -> Command:
        return pack(b"SCRIPT", b"LOAD", self.source)

    def whole(self, keys: tuple[str, ...], *arguments: str | int) -> Command:
        """A call that carries the script itself, for where nobody could answer that a server has forgotten it."""
        return pack(b"EVAL", self.source, len(keys), *keys, *arguments)
