"""What is measured beside the gateway, on the parts it is made of: one round trip to Redis, one search in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Lookups:
    """Searches for neighbours, one by one. `recall` is how often the nearest found was the nearest there is."""

    milliseconds: Sequence[float]
    recall: float
    plans: Sequence[str]
    """How Postgres searched the smallest and the largest scope, in a few words."""


class Probes(Protocol):
    """Fulfilled by whoever has the databases at hand."""

    def admission(self, count: int) -> Sequence[float]:
        """Milliseconds of so many admissions that read T1 and reserve, in one round trip each."""
        ...

    def fill_store(self, entries: int) -> None:
        """Adds so many entries of many organizations to T2's store; most of one of them beside those of its own."""
        ...

    def lookups(self, count: int) -> Lookups:
        """Searches that store, each organization as often as it has entries."""
        ...
