"""Things a caller left with a provider and may ask for again: files, batches, responses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """By provider and id, in the order they came. Bounded in number or weight: what came first goes first."""

    def __init__(self, *, most: int, weigh: Callable[[Kept], int] = lambda _thing: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def put(self, provider: str, name: str, thing: Kept) -> None:
        self.remove(provider, name)
        self._kept[provider, name] = thing
        self._weight += self._weigh(thing)
        while self._weight > self._most:
            self._weight -= self._weigh(self._kept.popitem(last=False)[1])

    def get(self, provider: str, name: str) -> Kept | None:
        return self._kept.get((provider, name))

    def remove(self, provider: str, name: str) -> None:
        thing = self._kept.pop((provider, name), None)
        if thing is not None:
            self._weight -= self._weigh(thing)

    def of(self, provider: str) -> list[Kept]:
        """All of a provider's, the oldest first."""
        return [thing for (owner, _), thing in self._kept.items() if owner == provider]

    def clear(self) -> None:
        self._kept.clear()
        self._weight = 0
