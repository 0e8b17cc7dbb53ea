"""Repeatable choices: the same words always draw the same numbers, in any process."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
_MASK = 2**64 - 1


class Chance:
    """A small generator (splitmix64) seeded with a digest. Much cheaper to start than `random.Random`."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    @classmethod
    def of(cls, *parts: bytes) -> Chance:
        digest = hashlib.blake2b(digest_size=8)
        for part in parts:
            digest.update(len(part).to_bytes(4, "big"))
            digest.update(part)
        return cls(int.from_bytes(digest.digest(), "big"))

    def bits(self) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def below(self, bound: int) -> int:
        return self.bits() % bound

    def between(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        return low + self.below(high - low + 1)

    def pick(self, items: Sequence[Item]) -> Item:
        return items[self.below(len(items))]

    def hex(self, digits: int) -> str:
        text = ""
        while len(text) < digits:
            text += f"{self.bits():016x}"
        return text[:digits]
