"""What the caches decided about an organization's latest requests, and why, as the receipts have it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from analytics import ids, queries
from analytics.models import LedgerEntry

LOOKED_AT = 1_000
_TIERS = ("t1", "t2", "t3")
_NUMBER = re.compile(r"\s*\d+(?:\.\d+)?")
_TOP = 10
_COLUMNS = ("request_id", "started_at", "model", "tier", "receipt")


@dataclass(frozen=True, slots=True)
class Decision:
    """One request: `tier` answered it, and each tier that was asked said why, or why not. `similarity`, `certainty` and
    `guard` are those of the last tier that compared questions."""

    request_id: str
    started_at: datetime
    model: str
    tier: int
    reasons: tuple[tuple[str, str], ...]
    similarity: float | None
    certainty: float | None
    guard: str
    judged: bool | None = None
    """Whether somebody said that the answer was wrong."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Of the latest `looked_at` requests: why those that no cache answered were not, and which guards spoke."""

    looked_at: int
    misses: tuple[tuple[str, str, int], ...] = ()
    guards: tuple[tuple[str, str, int], ...] = field(default=())


def recent_decisions(org_id: UUID | str, limit: int) -> list[Decision]:
    """The newest first."""
    return [_decision(row) for row in _latest(org_id).values(*_COLUMNS)[:limit]]


def decision_about(org_id: UUID | str, request_id: str) -> Decision | None:
    """None for a request that this organization did not make, or that is not recorded yet."""
    try:
        request_uuid, started_at = ids.to_uuid(request_id), ids.started_at(request_id)
    except ValueError:
        return None
    rows = _latest(org_id).filter(request_id=request_uuid, started_at=started_at)
    row = rows.values(*_COLUMNS).first()
    return None if row is None else _decision(row)


def reasons(
    org_id: UUID | str, since: datetime, until: datetime, filters: queries.Filters = queries.EVERYTHING
) -> Reasons:
    """The most frequent first. A reason with a figure in it counts as the same reason with another."""
    receipts = queries.receipts(org_id, since, until, LOOKED_AT, filters)
    misses = Counter(pair for tier, *said in receipts if not tier for pair in _whys(*said))
    guards = Counter(pair for _, _, evidence in receipts for pair in _guards(evidence))
    return Reasons(len(receipts), _top(misses), _top(guards))


def _latest(org_id: UUID | str) -> Any:
    charges = LedgerEntry.objects.for_org(org_id).exclude(kind=LedgerEntry.Kind.CORRECTION)
    return charges.order_by("-started_at", "-id")


def _decision(row: dict[str, Any]) -> Decision:
    receipt = row["receipt"]
    stages, evidence = receipt.get("stages", {}), receipt.get("evidence", {})
    compared: dict[str, Any] = next(
        (evidence[tier] for tier in ("t3", "t2") if "similarity" in evidence.get(tier, {})), {}
    )
    return Decision(
        request_id=ids.from_uuid(row["request_id"]),
        started_at=row["started_at"],
        model=row["model"],
        tier=row["tier"],
        reasons=tuple((tier, str(stages[tier])) for tier in _TIERS if stages.get(tier)),
        similarity=compared.get("similarity"),
        certainty=compared.get("certainty"),
        guard=str(compared.get("guard", "")),
    )


def _whys(stages: dict[str, Any], evidence: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for tier in _TIERS:
        if evidence.get(tier, {}).get("outcome") == "checked":
            yield tier, "the same question, sent on to be checked"
        elif said := stages.get(tier):
            yield tier, _plain(str(said))


def _guards(evidence: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for tier, facts in evidence.items():
        if guard := facts.get("guard"):
            yield tier, str(guard)


def _plain(reason: str) -> str:
    """Without what differs from request to request: a reason's figures, and what a guard quotes."""
    head = reason.split(":", 1)[0]
    return _NUMBER.sub("", head).strip() or reason


def _top(counted: Counter[tuple[str, str]]) -> tuple[tuple[str, str, int], ...]:
    return tuple((tier, what, count) for (tier, what), count in counted.most_common(_TOP))
