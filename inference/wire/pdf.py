"""How many pages a PDF has, read from its page tree without a parser: for a bound, rather too many than too few."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

MOST_PAGES: Final = 600
"""What Anthropic documents for a request, the most of all providers."""

_LEAF: Final = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_COUNT: Final = re.compile(rb"/Count\s+(\d{1,9})")
_KIDS: Final = re.compile(rb"/Kids\s*\[([^\]]{0,100000})")
_PACKED: Final = re.compile(rb"/ObjStm\b.{0,2000}?stream\r?\n", re.DOTALL)
_UNPACKED_BYTES: Final = 8 * 2**20


def pages_at_most(pdf: bytes) -> int:
    """The most that a count, the references or the pages themselves come to; all that may be where none can be read."""
    if b"/Encrypt" in pdf:
        return MOST_PAGES
    try:
        parts = [pdf, *_unpacked(pdf)]
    except zlib.error:
        return MOST_PAGES
    leaves = sum(len(_LEAF.findall(part)) for part in parts)
    stated = max((int(count) for part in parts for count in _COUNT.findall(part)), default=0)
    kids = sum(held.count(b"R") for part in parts for held in _KIDS.findall(part))
    return min(max(leaves, stated, kids) or MOST_PAGES, MOST_PAGES)


def _unpacked(pdf: bytes) -> Iterator[bytes]:
    """What compressed object streams hold. Raises zlib.error for what is not to be read, or too much of it."""
    left = _UNPACKED_BYTES
    for found in _PACKED.finditer(pdf):
        part = zlib.decompressobj().decompress(memoryview(pdf)[found.end() :], left)
        left -= len(part)
        if left <= 0:
            raise zlib.error("too large")
        yield part
