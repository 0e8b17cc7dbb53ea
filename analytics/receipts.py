"""The cost receipt of one request: what the ledger has of it, row by row, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from analytics import ids
from analytics.models import LedgerEntry, StartedCall


@dataclass(frozen=True, slots=True)
class InProgress:
    """The provider has been called; what it will have cost is not known yet."""

    request_id: str
    started_at: datetime
    model: str
    estimate_nano: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """`charge` is the final or the estimated row; `correction` what was put right when a late truth came."""

    request_id: str
    charge: LedgerEntry
    correction: LedgerEntry | None

    @property
    def rows(self) -> tuple[LedgerEntry, ...]:
        return (self.charge,) if self.correction is None else (self.charge, self.correction)

    @property
    def latest(self) -> LedgerEntry:
        return self.rows[-1]

    def net(self, column: str) -> int:
        """The sum of a column over the rows: an amount in nano-USD, or a number of tokens or milliseconds."""
        return sum(getattr(row, column) for row in self.rows)

    @property
    def savings_nano(self) -> int:
        return self.net("original_cost_nano") - self.net("cost_nano") - self.net("own_spend_nano")


def find_receipt(org_id: UUID | str, request_id: str) -> Receipt | InProgress | None:
    """None for a request that is not known, not of this organization, or not recorded yet."""
    try:
        request_uuid, started_at = ids.to_uuid(request_id), ids.started_at(request_id)
    except ValueError:
        return None
    # Asked first, for a call that ends between the two questions is then found by the second.
    call = StartedCall.objects.for_org(org_id).filter(pk=request_uuid).first()
    rows = LedgerEntry.objects.for_org(org_id).filter(request_id=request_uuid, started_at=started_at)
    return _receipt(request_id, rows) or (None if call is None else _in_progress(call))


def find_for_operator(request_id: str) -> Receipt | None:
    """Of whichever organization. For the command line of who runs the deployment, never for an answer."""
    try:
        request_uuid, started_at = ids.to_uuid(request_id), ids.started_at(request_id)
    except ValueError:
        return None
    return _receipt(request_id, LedgerEntry.objects.filter(request_id=request_uuid, started_at=started_at))


def _receipt(request_id: str, rows: Iterable[LedgerEntry]) -> Receipt | None:
    by_kind = {row.kind: row for row in rows}
    correction = by_kind.pop(LedgerEntry.Kind.CORRECTION, None)
    for charge in by_kind.values():
        return Receipt(request_id, charge, correction)
    return None


def _in_progress(call: StartedCall) -> InProgress:
    event: dict[str, Any] = call.event
    return InProgress(
        request_id=ids.from_uuid(call.request_id),
        started_at=call.started_at,
        model=event["model"],
        estimate_nano=call.estimate_nano,
    )
