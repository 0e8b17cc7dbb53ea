"""Simulated embeddings: unit vectors that depend only on provider, model, text and seed, alike for alike texts.

Every word pushes a few coordinates of its own, so texts that share words are nearer to each other than texts that do
not; a direction of the whole text keeps two orders of the same words apart.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from inference.simulator.chance import Chance

_WORD = re.compile(r"\w+")
_COORDINATES_PER_WORD = 24
_MOST_WORDS = 512
_OWN_SHARE = 0.35


def unit_vector(text: str, *, dimensions: int, keep: int, key: bytes) -> list[float]:
    """A vector of `dimensions` coordinates, cut to the first `keep` and scaled to length 1, as providers cut theirs."""
    words = _WORD.findall(text.lower())[:_MOST_WORDS]
    own = Chance.of(key, text.encode())
    scale = _OWN_SHARE * math.sqrt(3 / dimensions)
    vector = [scale * value for value in _spread(own, keep)]
    push = 1 / math.sqrt(max(1, len(words)) * _COORDINATES_PER_WORD)
    for word in words:
        for at, sign in _pushes(word, dimensions, key):
            if at < keep:
                vector[at] += push * sign
    length = math.sqrt(math.fsum(value * value for value in vector))
    return [value / length for value in vector]


@lru_cache(maxsize=20_000)
def _pushes(word: str, dimensions: int, key: bytes) -> tuple[tuple[int, int], ...]:
    """The coordinates that a word pushes, and which way."""
    chance = Chance.of(key, b"word", word.encode())
    draws = [chance.bits() for _ in range(_COORDINATES_PER_WORD)]
    return tuple(((bits >> 1) % dimensions, 1 if bits & 1 else -1) for bits in draws)


def _spread(chance: Chance, size: int) -> list[float]:
    """Numbers between -1 and 1, eight from each draw."""
    values: list[float] = []
    while len(values) < size:
        bits = chance.bits()
        values.extend(((bits >> shift) & 255) / 127.5 - 1 for shift in range(0, 64, 8))
    return values[:size]
