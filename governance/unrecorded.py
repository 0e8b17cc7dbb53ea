"""Money that was spent and may be known to nobody else: neither to the ledger yet, nor to a Redis that is away.

Without Redis a budget is the ledger plus what is here. An amount is let go only some time after the ledger was seen to
have it, so that whoever reads the ledger meanwhile counts it once or twice, but never not at all.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

RECENT_SECONDS = 30.0
"""How long what Redis was told of is remembered, should Redis go away before the recorder has read of it."""

_MOST_RECENT = 20_000
_MOST_UNRECORDED = 20_000
_LETS_GO_SECONDS = 10.0  # longer than any reading of the ledger takes
_GIVES_UP_SECONDS = 3600.0  # what the ledger never gets is let go after an hour, as Redis does


@dataclass(frozen=True, slots=True)
class Payment:
    """What one request has cost."""

    org_id: str
    request_id: str
    cost_nano: int


@dataclass(slots=True)
class _Kept:
    payment: Payment
    since: float
    recorded_at: float | None = None
    """When it was first known that the ledger has it."""


class Unrecorded:
    """The payments of one gateway process that the ledger may not have. One of nothing is none; times are monotonic."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, Payment]] = deque(maxlen=_MOST_RECENT)
        self._kept: dict[str, _Kept] = {}
        self._unknown = 0

    @property
    def is_full(self) -> bool:
        """More than can be kept is waiting for the ledger, so nobody can say what was spent."""
        return self._unknown >= _MOST_UNRECORDED

    def note(self, payment: Payment) -> None:
        """Redis was told of it, and the recorder will be within moments."""
        if not payment.cost_nano:
            return
        now = time.monotonic()
        self._recent.append((now, payment))
        while self._recent[0][0] < now - RECENT_SECONDS:
            self._recent.popleft()

    def redis_is_away(self) -> None:
        """What Redis was told of lately may be known only there."""
        oldest = time.monotonic() - RECENT_SECONDS
        while self._recent:
            noted_at, payment = self._recent.popleft()
            if noted_at >= oldest:
                self.keep(payment)

    def keep(self, payment: Payment) -> None:
        """Until the ledger has it."""
        if payment.cost_nano and payment.request_id not in self._kept:
            self._kept[payment.request_id] = _Kept(payment, time.monotonic())
            self._unknown += 1

    def total_nano(self, org_id: str, reading_since: float) -> int:
        """What an organization has spent beyond a ledger that was read after `reading_since`."""
        return sum(
            kept.payment.cost_nano
            for kept in self._kept.values()
            if kept.payment.org_id == org_id and (kept.recorded_at is None or kept.recorded_at >= reading_since)
        )

    def waiting(self) -> list[str]:
        """The requests of which it is not known that the ledger has them."""
        return [request_id for request_id, kept in self._kept.items() if kept.recorded_at is None]

    def recorded(self, request_ids: Iterable[str]) -> None:
        """The ledger has these."""
        now = time.monotonic()
        for request_id in request_ids:
            kept = self._kept.get(request_id)
            if kept is not None and kept.recorded_at is None:
                kept.recorded_at = now
                self._unknown -= 1

    def let_go(self) -> Iterator[Payment]:
        """Forgets, and tells, those that the ledger has had for long enough."""
        now = time.monotonic()
        for request_id, kept in list(self._kept.items()):
            given_up = kept.recorded_at is None and now - kept.since > _GIVES_UP_SECONDS
            if given_up:
                self._unknown -= 1
            if given_up or (kept.recorded_at is not None and now - kept.recorded_at > _LETS_GO_SECONDS):
                del self._kept[request_id]
                yield kept.payment
