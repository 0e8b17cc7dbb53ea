"""Whether T2 pays for itself: an organization whose questions never come again should not pay for looking them up.

An embedding costs more of the processor than all the rest of a request. Where next to nothing was found for a while,
only some requests are still looked up, so that it is noticed when that changes.
"""

from __future__ import annotations

from collections import OrderedDict

_ENOUGH = 300
_LEAST_HITS = 0.005
_STILL_TRIED = 0.1
_KEPT = 1_000.0
_MOST_ORGANIZATIONS = 10_000


class Worth:
    """What the lookups of one process found, by organization. Old ones fade."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def is_worth_it(self, org_id: str, luck: float) -> bool:
        """Whether to look this request up; `luck` is its own, uniform in [0, 1)."""
        lookups, hits = self._seen.get(org_id, (0.0, 0.0))
        return lookups < _ENOUGH or hits >= _LEAST_HITS * lookups or luck < _STILL_TRIED

    def saw(self, org_id: str, *, hit: bool) -> None:
        """One lookup, and whether it found an answer."""
        lookups, hits = self._seen.pop(org_id, (0.0, 0.0))
        if lookups >= _KEPT:
            lookups, hits = lookups / 2, hits / 2
        self._seen[org_id] = (lookups + 1, hits + hit)
        if len(self._seen) > _MOST_ORGANIZATIONS:
            self._seen.popitem(last=False)
