"""Cutting a document into chunks whose boundaries depend on nothing but the text around them.

So an edit changes the chunk it is in, now and then a neighbour, and moves no other: what was worked out of those holds.
A chunk ends after the line or sentence whose digest is the least of all that are near, before and after it. Every
chunk but the last is at least as long as "near" reaches, and twice that on average.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from caching.workflow.digests import digest_of

NEAR = 900
"""Characters."""
_LONGEST = 8 * NEAR
_LONGEST_UNIT = NEAR // 2

_LINES = re.compile(r"[^\n]*\n+|[^\n]+")
_SENTENCES = re.compile(r".*?[.!?][\"')\]]*\s+|.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document; joined, the chunks are the document."""

    text: str
    digest: bytes


def segment(text: str, *, near: int = NEAR) -> tuple[Chunk, ...]:
    """The chunks of a document, in order."""
    units = list(_units(text))
    chunks = (piece for piece in _joined(units, _ends(units, near)))
    return tuple(Chunk(piece, digest_of(piece)) for piece in chunks)


def _units(text: str) -> Iterator[str]:
    """Lines with the breaks after them; a long one by its sentences, and a sentence without end by its length."""
    for line in _LINES.findall(text):
        if len(line) <= _LONGEST_UNIT:
            yield line
            continue
        for sentence in _SENTENCES.findall(line):
            for start in range(0, len(sentence), _LONGEST_UNIT):
                yield sentence[start : start + _LONGEST_UNIT]


def _ends(units: Sequence[str], near: int) -> set[int]:
    """The units after which a chunk ends. Of equal digests the first counts as less, so that repeats are cut too."""
    weights = [_weight(unit, following) for unit, following in zip(units, (*units[1:], ""), strict=False)]
    lengths = [len(unit) for unit in units]
    return {index for index in range(len(units)) if _is_least(index, weights, lengths, near)}


def _weight(unit: str, following: str) -> bytes:
    return hashlib.blake2b(f"{unit}\0{following}".encode("utf-8", "replace"), digest_size=8).digest()


def _is_least(index: int, weights: Sequence[bytes], lengths: Sequence[int], near: int) -> bool:
    own, distance, other = weights[index], 0, index
    while other > 0 and (distance := distance + lengths[other]) < near:
        other -= 1
        if weights[other] <= own:
            return False
    if other == 0:
        return False  # so near to the beginning that the first chunk would be short
    distance, other = 0, index
    while other + 1 < len(weights) and (distance := distance + lengths[other + 1]) < near:
        other += 1
        if weights[other] < own:
            return False
    return True


def _joined(units: Sequence[str], ends: set[int]) -> Iterator[str]:
    """Whatever was not cut for very long is cut by its length."""
    held: list[str] = []
    size = 0
    for index, unit in enumerate(units):
        held.append(unit)
        size += len(unit)
        if index in ends or size >= _LONGEST:
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)
