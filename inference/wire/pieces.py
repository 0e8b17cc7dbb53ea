"""Cutting a text into the pieces it is replayed in."""

from __future__ import annotations

_MAX_PIECES = 8
_LEAST_CHARACTERS = 80


def pieces_of(text: str) -> list[str]:
    """A few pieces: a cached answer is there at once, and every piece costs an event."""
    size = max(_LEAST_CHARACTERS, -(-len(text) // _MAX_PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]
