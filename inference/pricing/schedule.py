"""Which tariff is in force when: prices begin on a day, end on a day, or hold for some hours of each day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Protocol

from inference.pricing.rates import PriceError, UsdCard
from inference.pricing.tariff import Tariff

BATCH = "batch"


class Schedule(Protocol):
    """The prices of one model under one service over time. Every moment is aware; days and hours are UTC."""

    def tariff_at(self, at: datetime) -> Tariff: ...

    def days(self) -> frozenset[date]:
        """The days on which a price may begin or end."""

    def hours(self) -> frozenset[time]:
        """The times of each day at which a price may begin or end."""


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """Prices of our own, from one UTC day (and until another, exclusive), for all hours or for some of each day.

    `services` are the prices of ways to be served that have their own.
    """

    starts_on: date
    ends_on: date | None
    prices: tuple[UsdCard, ...]
    starts_at: time | None = None
    ends_at: time | None = None
    services: tuple[tuple[str, tuple[UsdCard, ...]], ...] = ()

    def covers(self, at: datetime) -> bool:
        moment = at.astimezone(UTC)
        if moment.date() < self.starts_on or (self.ends_on is not None and moment.date() >= self.ends_on):
            return False
        if self.starts_at is None or self.ends_at is None:
            return True
        now = moment.time()
        if self.starts_at <= self.ends_at:
            return self.starts_at <= now < self.ends_at
        return now >= self.starts_at or now < self.ends_at

    def tariff(self, service: str, batch_discount: Decimal | None) -> Tariff:
        """A service that is not named here costs what the standard one does; a batch, less a known discount."""
        own = dict(self.services).get(service)
        tariff = Tariff(tuple(card.rate_card() for card in own or self.prices))
        if service == BATCH and own is None and batch_discount is not None:
            return discounted(tariff, batch_discount)
        return tariff


class OverriddenSchedule:
    """Our dated prices in front of a maintained schedule, or alone for a model that no price table knows."""

    __slots__ = ("_base", "_overrides", "_tariffs")

    def __init__(
        self, base: Schedule | None, overrides: Sequence[PriceOverride], service: str = "",
        batch_discount: Decimal | None = None,
    ) -> None:  # fmt: skip
        if not overrides:
            raise PriceError("an overridden schedule needs at least one override")
        self._base = base
        # The latest day wins, and on the same day those that hold for some hours only.
        self._overrides = sorted(overrides, key=lambda o: (o.starts_on, o.starts_at is not None))
        self._tariffs = [override.tariff(service, batch_discount) for override in self._overrides]

    def tariff_at(self, at: datetime) -> Tariff:
        for override, tariff in zip(reversed(self._overrides), reversed(self._tariffs), strict=True):
            if override.covers(at):
                return tariff
        return self._tariffs[0] if self._base is None else self._base.tariff_at(at)

    def days(self) -> frozenset[date]:
        own = {day for o in self._overrides for day in (o.starts_on, o.ends_on) if day is not None}
        return frozenset(own if self._base is None else own | self._base.days())

    def hours(self) -> frozenset[time]:
        own = {hour for o in self._overrides for hour in (o.starts_at, o.ends_at) if hour is not None}
        return frozenset(own if self._base is None else own | self._base.hours())


def discounted(tariff: Tariff, discount: Decimal) -> Tariff:
    return Tariff(tuple(card.discounted(discount) for card in tariff.cards))


def next_change(schedule: Schedule, after: datetime) -> datetime | None:
    """The earliest later moment at which the tariff may differ, if one is known."""
    moments = [midnight(day) for day in schedule.days()] + [next_time_of_day(hour, after) for hour in schedule.hours()]
    return earliest(moments, after)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def next_time_of_day(hour: time, after: datetime) -> datetime:
    """The first moment later than `after` at which it is this time in UTC."""
    candidate = datetime.combine(after.astimezone(UTC).date(), hour, UTC)
    return candidate if candidate > after else candidate + timedelta(days=1)


def earliest(moments: Iterable[datetime], after: datetime) -> datetime | None:
    return min((moment for moment in moments if moment > after), default=None)
