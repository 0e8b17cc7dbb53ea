"""Things a caller left with a provider and may ask for again: files, batches, responses."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """By provider and id, in the order they came. Bounded: what came first goes first."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def put(self, provider: str, name: str, thing: Kept) -> None:
        self._kept[provider, name] = thing
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def get(self, provider: str, name: str) -> Kept | None:
        return self._kept.get((provider, name))

    def remove(self, provider: str, name: str) -> None:
        self._kept.pop((provider, name), None)

    def of(self, provider: str) -> list[Kept]:
        """All of a provider's, the oldest first."""
        return [thing for (owner, _), thing in self._kept.items() if owner == provider]

    def clear(self) -> None:
        self._kept.clear()
