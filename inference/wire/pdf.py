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
_LONGEST_HEAD, _MOST_STREAMS, _UNPACKED_BYTES = 2_000, 1_000, 2 * 2**20
"""How far behind its type an object stream begins, how many are read, and how much they may hold."""


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
    left, at = _UNPACKED_BYTES, 0
    for _ in range(_MOST_STREAMS):
        at = pdf.find(b"/ObjStm", at)
        if at < 0:
            return
        start = pdf.find(b"stream", at, at + _LONGEST_HEAD)
        end = pdf.find(b"endstream", start + 6) if start >= 0 else -1
        if end < 0:
            break
        part = zlib.decompressobj().decompress(pdf[start + 6 : end].lstrip(b"\r\n"), left)
        left, at = left - len(part), end
        if left <= 0:
            break
        yield part
    raise zlib.error("not to be read, or too much")
