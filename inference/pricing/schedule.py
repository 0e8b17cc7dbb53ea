"""Which tariff is in force when: prices begin on a day, end on a day, or hold for some hours of each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from inference.pricing.tariff import PriceError, Tariff, UsdCard


class Schedule(Protocol):
    """The prices of one model over time. Every time is aware."""

    def tariff_at(self, at: datetime) -> Tariff: ...

    def next_change(self, after: datetime) -> datetime | None:
        """The earliest later moment at which the tariff may differ, if one is known."""


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """Prices of our own, in USD per million tokens, from one UTC day (and until another, exclusive)."""

    starts_on: date
    ends_on: date | None
    prices: tuple[UsdCard, ...]

    def covers(self, at: datetime) -> bool:
        day = at.astimezone(UTC).date()
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)

    def tariff(self) -> Tariff:
        return Tariff(tuple(card.rate_card() for card in self.prices))


class OverriddenSchedule:
    """Our dated prices in front of a maintained schedule, or alone for a model that no price table knows."""

    __slots__ = ("_base", "_overrides", "_tariffs")

    def __init__(self, base: Schedule | None, overrides: Sequence[PriceOverride]) -> None:
        if not overrides:
            raise PriceError("an overridden schedule needs at least one override")
        self._base = base
        self._overrides = sorted(overrides, key=lambda override: override.starts_on)
        self._tariffs = [override.tariff() for override in self._overrides]

    def tariff_at(self, at: datetime) -> Tariff:
        for override, tariff in zip(reversed(self._overrides), reversed(self._tariffs), strict=True):
            if override.covers(at):
                return tariff
        return self._tariffs[0] if self._base is None else self._base.tariff_at(at)

    def next_change(self, after: datetime) -> datetime | None:
        days = [day for o in self._overrides for day in (o.starts_on, o.ends_on) if day is not None]
        changes = [midnight(day) for day in days]
        base = None if self._base is None else self._base.next_change(after)
        return earliest([*changes, *([base] if base else [])], after)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def next_time_of_day(clock: time, after: datetime) -> datetime:
    """The first moment later than `after` at which a clock shows this time (UTC unless it says otherwise)."""
    zoned = clock if clock.tzinfo else clock.replace(tzinfo=UTC)
    candidate = datetime.combine(after.astimezone(zoned.tzinfo).date(), zoned)
    return candidate if candidate > after else candidate + timedelta(days=1)


def earliest(moments: Sequence[datetime], after: datetime) -> datetime | None:
    return min((moment for moment in moments if moment > after), default=None)
