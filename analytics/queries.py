"""The read side: figures of one organization, from the rollups wherever they can tell.

A range is `since <= time < until` (None: no bound) and must lie on whole hours for the rollups; where both ends lie on
whole days, the day's rollups answer. Only what the rollups do not know (the end user) is summed from the ledger itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Count, Expression, F, Func, Q, QuerySet, Sum
from django.db.models.functions import Trunc
from psycopg.errors import QueryCanceled

from analytics import ids
from analytics.figures import Bucket, Inference, ModelSums, Slice, Sums, TierSums
from analytics.models import LedgerEntry, UsageRollup
from analytics.rollups import NO_KEY

Grain = Literal["hour", "day"]
Dimension = Literal["model", "provider", "key", "tag", "tier", "task", "routing_mode", "user"]
LEDGER_TIMEOUT_MS = 5000


class RangeTooWideError(Exception):
    """The ledger holds more in this range than can be summed while somebody waits: narrow the range or the filters."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which requests count. None means all; `tier` is 0 to 3."""

    model: str | None = None
    provider: str | None = None
    key_id: UUID | None = None
    tag: str | None = None
    tier: int | None = None
    task: str | None = None
    routing_mode: str | None = None
    end_user: str | None = None


EVERYTHING = Filters()

_ADDED_UP = (
    "input_tokens", "cached_input_tokens", "output_tokens", "tokens_saved", "cost_nano", "original_cost_nano",
    "own_spend_nano",
)  # fmt: skip
_SAVED = F("original_cost_nano") - F("cost_nano") - F("own_spend_nano")
_COMMON: dict[str, Expression] = {
    **{column: Sum(column, default=0) for column in _ADDED_UP},
    "cache_saved_nano": Sum(_SAVED, filter=Q(tier__gt=0), default=0),
}
_IN_ROLLUPS: dict[str, Expression] = {
    **_COMMON,
    **{column: Sum(column, default=0) for column in ("requests", "errors", "latency_ms_sum", "quality_count")},
    "cache_hits": Sum("requests", filter=Q(tier__gt=0), default=0),
    "quality_sum": Sum("quality_sum", default=0.0),
}
_CHARGES = ~Q(kind=LedgerEntry.Kind.CORRECTION)
_IN_LEDGER: dict[str, Expression] = {
    **_COMMON,
    "requests": Count("id", filter=_CHARGES),
    "errors": Count("id", filter=Q(outcome="provider_error")),
    "cache_hits": Count("id", filter=_CHARGES & Q(tier__gt=0)),
    "latency_ms_sum": Sum("latency_ms", default=0),
    "quality_sum": Sum("quality", default=0.0),
    "quality_count": Count("quality"),
}
# Named apart from the columns they sum, which Django would otherwise take them for.
_PREFIX = "sum_"
_COLUMNS: dict[Dimension, str] = {
    "model": "model", "provider": "provider", "key": "key_id", "tag": "tag", "tier": "tier", "task": "task",
    "routing_mode": "routing_mode", "user": "end_user",
}  # fmt: skip
_AS_CHARGED = (
    "started_at", "key_id", "end_user", "model", "provider", "requested_model", "tier", "task", "routing_mode",
)  # fmt: skip
_AS_LAST_KNOWN = ("routing_reason", "outcome", "status", "quality")
_ADDED_UP_OF_ONE = (
    "input_tokens", "output_tokens", "tokens_saved", "cost_nano", "original_cost_nano", "own_spend_nano", "latency_ms",
)  # fmt: skip


class _Unnest(Func):
    """One row for each element of an array."""

    function = "unnest"
    arity = 1
    set_returning = True


@dataclass(frozen=True, slots=True)
class _Source:
    """Rows to sum, how to sum them, and what their time is called."""

    rows: QuerySet[Any]
    expressions: Mapping[str, Expression]
    time: str

    @property
    def sums(self) -> dict[str, Expression]:
        return {_PREFIX + name: expression for name, expression in self.expressions.items()}


def totals(
    org_id: UUID | str, since: datetime | None = None, until: datetime | None = None, filters: Filters = EVERYTHING
) -> Sums:
    """All requests of the range together."""
    source = _source(org_id, since, until, filters)
    with _patience(filters):
        return _sums(source.rows.aggregate(**source.sums))


def by_model(
    org_id: UUID | str, since: datetime | None = None, until: datetime | None = None, filters: Filters = EVERYTHING
) -> list[ModelSums]:
    """The most expensive model first."""
    return [ModelSums(part.name, part.sums) for part in breakdown(org_id, "model", since, until, filters)]


def by_tier(
    org_id: UUID | str, since: datetime | None = None, until: datetime | None = None, filters: Filters = EVERYTHING
) -> list[TierSums]:
    """Always the four tiers, 0 to 3, whether or not they answered anything."""
    found = {part.name: part.sums for part in breakdown(org_id, "tier", since, until, filters)}
    return [TierSums(tier, found.get(str(tier), Sums())) for tier in range(4)]


def breakdown(
    org_id: UUID | str,
    by: Dimension,
    since: datetime | None = None,
    until: datetime | None = None,
    filters: Filters = EVERYTHING,
) -> list[Slice]:
    """The requests by one dimension, the most expensive part first. A request with three tags is in three parts."""
    source = _source(org_id, since, until, filters, by=by)
    rows = source.rows.values(part=F(_COLUMNS[by])).annotate(**source.sums).order_by(f"-{_PREFIX}cost_nano", "part")
    with _patience(filters, by):
        return [Slice(_name(row["part"]), _sums(row)) for row in rows]


def trends(
    org_id: UUID | str, since: datetime, until: datetime, *, grain: Grain = "day", filters: Filters = EVERYTHING
) -> list[Bucket]:
    """Every hour or day of the range, oldest first, those without requests too. Both ends must lie on the grain."""
    source = _source(org_id, since, until, filters)
    rows = source.rows.values(starts_at=Trunc(source.time, grain, tzinfo=UTC)).annotate(**source.sums)
    with _patience(filters):
        found = {row["starts_at"]: _sums(row) for row in rows}
    step = timedelta(hours=1) if grain == "hour" else timedelta(days=1)
    return [Bucket(start, found.get(start, Sums())) for start in _steps(since, until, step)]


def recent(
    org_id: UUID | str, limit: int = 20, since: datetime | None = None, filters: Filters = EVERYTHING
) -> list[Inference]:
    """The newest requests, newest first."""
    rows = _matching(LedgerEntry.objects.for_org(org_id).filter(_CHARGES), filters)
    if filters.tag is not None:
        rows = rows.filter(tags__contains=[filters.tag])
    if since is not None:
        rows = rows.filter(started_at__gte=since)
    with _patience(filters):
        charges = list(rows.order_by("-started_at", "-id")[:limit])
    return [_inference(charge, found) for charge, found in _with_corrections(org_id, charges)]


def receipts(
    org_id: UUID | str, since: datetime, until: datetime, limit: int, filters: Filters = EVERYTHING
) -> list[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Of the newest requests of the range: the tier, what each stage said, and its evidence."""
    rows = _matching(LedgerEntry.objects.for_org(org_id).filter(_CHARGES), filters)
    if filters.tag is not None:
        rows = rows.filter(tags__contains=[filters.tag])
    newest = _between(rows, "started_at", since, until).order_by("-started_at", "-id")
    with _patience(filters):
        rows = newest.values_list("tier", "receipt__stages", "receipt__evidence")[:limit]
        return [(tier, stages or {}, evidence or {}) for tier, stages, evidence in rows]


def _source(
    org_id: UUID | str, since: datetime | None, until: datetime | None, filters: Filters, by: Dimension | None = None
) -> _Source:
    if filters.end_user is not None or by == "user":
        ledger = _matching(LedgerEntry.objects.for_org(org_id), filters)
        if filters.tag is not None:
            ledger = ledger.filter(tags__contains=[filters.tag])
        if by == "tag":
            ledger = ledger.annotate(tag=_Unnest("tags"))
        return _Source(_between(ledger, "started_at", since, until), _IN_LEDGER, "started_at")
    grain = "d" if _is_midnight(since) and _is_midnight(until) else "h"
    rollups = _matching(UsageRollup.objects.for_org(org_id).filter(grain=grain), filters)
    if filters.tag is not None:
        rollups = rollups.filter(tag=filters.tag)
    else:
        rollups = rollups.exclude(tag="") if by == "tag" else rollups.filter(tag="")
    return _Source(_between(rollups, "bucket_at", since, until), _IN_ROLLUPS, "bucket_at")


def _matching(rows: QuerySet[Any], filters: Filters) -> QuerySet[Any]:
    """The filters that are plain columns in the ledger and in the rollups; the end user is one of the ledger only."""
    wanted = {field.name: getattr(filters, field.name) for field in fields(filters) if field.name != "tag"}
    return rows.filter(**{column: value for column, value in wanted.items() if value is not None})


def _between(rows: QuerySet[Any], column: str, since: datetime | None, until: datetime | None) -> QuerySet[Any]:
    if since is not None:
        rows = rows.filter(**{f"{column}__gte": since})
    return rows if until is None else rows.filter(**{f"{column}__lt": until})


@contextmanager
def _patience(filters: Filters, by: Dimension | None = None) -> Iterator[None]:
    """Bounds a read of the ledger, whose cost grows with the requests in it. Rollups need no bound."""
    if filters == EVERYTHING and by != "user":
        yield
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(LEDGER_TIMEOUT_MS)])
            yield
            cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise RangeTooWideError from error
        raise


def _with_corrections(
    org_id: UUID | str, charges: Sequence[LedgerEntry]
) -> Iterator[tuple[LedgerEntry, LedgerEntry | None]]:
    estimated = [charge for charge in charges if charge.kind == LedgerEntry.Kind.ESTIMATE]
    corrections: dict[UUID, LedgerEntry] = {}
    if estimated:
        rows = LedgerEntry.objects.for_org(org_id).filter(
            kind=LedgerEntry.Kind.CORRECTION,
            request_id__in=[charge.request_id for charge in estimated],
            started_at__in=[charge.started_at for charge in estimated],
        )
        corrections = {row.request_id: row for row in rows}
    for charge in charges:
        yield charge, corrections.get(charge.request_id)


def _inference(charge: LedgerEntry, correction: LedgerEntry | None) -> Inference:
    """Described as it was charged; measured with its correction; its outcome the latest known."""
    rows = [charge] if correction is None else [charge, correction]
    latest = rows[-1]
    return Inference(
        request_id=ids.from_uuid(charge.request_id),
        tags=tuple(charge.tags),
        techniques=tuple(latest.techniques),
        **{name: getattr(charge, name) for name in _AS_CHARGED},
        **{name: getattr(latest, name) for name in _AS_LAST_KNOWN},
        **{name: sum(getattr(row, name) for row in rows) for name in _ADDED_UP_OF_ONE},
    )


def _sums(row: Mapping[str, Any]) -> Sums:
    return Sums(**{field.name: row[_PREFIX + field.name] for field in fields(Sums)})


def _name(part: object) -> str:
    return "" if part is None or part == NO_KEY else str(part)


def _is_midnight(at: datetime | None) -> bool:
    return at is None or at.astimezone(UTC).timetz() == time(tzinfo=UTC)


def _steps(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    start = since.astimezone(UTC)
    while start < until:
        yield start
        start += step
