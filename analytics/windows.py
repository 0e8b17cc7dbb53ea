"""The time range an API call asks for: a named period that ends now, or a custom one, widened to whole buckets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from analytics.periods import PERIODS, Grain, Period

PeriodName = Literal["24h", "7d", "30d", "90d", "custom"]

LONGEST_BY_HOUR = timedelta(days=7)
LONGEST = timedelta(days=5 * 366)
_BY_NAME = {period.slug: period for period in (Period("90d", "90 days", "day", 90), *PERIODS)}


@dataclass(frozen=True, slots=True)
class Window:
    """`since <= time < until`, both on the grain, in UTC."""

    since: datetime
    until: datetime
    grain: Grain


def window_of(name: PeriodName, *, start: datetime | None, end: datetime | None, now: datetime) -> Window:
    """The window to answer for. Raises ValueError, fit to be shown, when start and end make none."""
    if name == "custom":
        return _custom(start, end or now, now)
    if start is not None or end is not None:
        raise ValueError("start and end need period=custom")
    period = _BY_NAME[name]
    since, until = period.bounds(now)
    return Window(since, until, period.grain)


def _custom(start: datetime | None, end: datetime, now: datetime) -> Window:
    if start is None:
        raise ValueError("period=custom needs start")
    since, until = _as_utc(start), min(_as_utc(end), now.astimezone(UTC))
    if since >= until:
        raise ValueError("start must lie before end, and in the past")
    if until - since > LONGEST:
        raise ValueError(f"a range may span at most {LONGEST.days} days")
    grain: Grain = "hour" if until - since <= LONGEST_BY_HOUR else "day"
    return Window(_floor(since, grain), _ceil(until, grain), grain)


def _as_utc(at: datetime) -> datetime:
    """A time without a zone is taken for UTC, as every time in the API is."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _floor(at: datetime, grain: Grain) -> datetime:
    at = at.replace(minute=0, second=0, microsecond=0)
    return at if grain == "hour" else at.replace(hour=0)


def _ceil(at: datetime, grain: Grain) -> datetime:
    floor = _floor(at, grain)
    return floor if floor == at else floor + (timedelta(hours=1) if grain == "hour" else timedelta(days=1))
