"""Re-wrapping: what was sealed with an older encryption key is sealed again with the current one, while all goes on.

Every app that seals something registers how it is found and sealed again:

    @rewraps("provider keys")
    def _rewrap(batch): yield Rewrapped(...)   # after each batch
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many secrets were sealed again, and how many could not be read."""

    done: int = 0
    unreadable: int = 0

    @classmethod
    def of(cls, results: Iterable[bool]) -> Rewrapped:
        found = list(results)
        return cls(sum(found), len(found) - sum(found))

    def __add__(self, other: Rewrapped) -> Rewrapped:
        return Rewrapped(self.done + other.done, self.unreadable + other.unreadable)


Rewrapper = Callable[[int], Iterable[Rewrapped]]

_rewrappers: dict[str, Rewrapper] = {}


def rewraps(what: str) -> Callable[[Rewrapper], Rewrapper]:
    """Registers what seals one kind of secret again, a batch at a time."""

    def register(function: Rewrapper) -> Rewrapper:
        _rewrappers[what] = function
        return function

    return register


def rewrap_all(batch: int) -> Iterator[tuple[str, Rewrapped]]:
    """Seal everything again that is not under the current key, kind by kind."""
    for what, rewrap in _rewrappers.items():
        yield what, sum(rewrap(batch), Rewrapped())
