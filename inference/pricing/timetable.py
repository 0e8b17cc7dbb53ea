"""All prices a model has, had and is known to get, as something that can be written down and compared.

A timetable is made of periods: from a day on, from an hour of each of its days on, a tariff holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from inference.pricing.rates import KINDS, RateCard, UsdCard, published
from inference.pricing.schedule import Schedule
from inference.pricing.tariff import Tariff

_MIDNIGHT = time()
_LONG_AGO = date(2000, 1, 1)
_OPTIONAL = tuple(kind for kind in KINDS if kind not in ("input", "output"))

_PLAINER = {
    "cached_input": ("input",),
    "cache_write": ("input",),
    "cache_write_1h": ("cache_write",),
    "audio_input": ("input",),
    "cached_audio": ("cached_input", "audio_input"),
    "reasoning": ("output",),
    "audio_output": ("output",),
}
"""What a kind costs as much as when it has no rate of its own: the same change is not told twice."""


@dataclass(frozen=True, slots=True)
class Period:
    """`starts_on` is None for what holds since ever."""

    starts_on: date | None
    starts_at: time
    tariff: Tariff


Timetable = tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A rate that differs between two timetables, from a day until another, from an hour of those days on.

    Rates are nano-USD per million. `above` are the input tokens that a prompt must exceed for this one.
    """

    service: str
    starts_on: date | None
    ends_on: date | None
    starts_at: time
    above: int
    kind: str
    old: int
    new: int

    @property
    def percent(self) -> Decimal | None:
        """None when it was free."""
        return Decimal(self.new - self.old) * 100 / self.old if self.old else None


def timetable_of(schedule: Schedule) -> Timetable:
    days: list[tuple[date | None, list[tuple[time, Tariff]]]] = []
    hours = sorted({_MIDNIGHT, *schedule.hours()})
    for day in (None, *sorted(schedule.days())):
        tariffs = [(hour, schedule.tariff_at(datetime.combine(day or _LONG_AGO, hour, UTC))) for hour in hours]
        merged = [pair for i, pair in enumerate(tariffs) if i == 0 or pair[1] != tariffs[i - 1][1]]
        if not days or merged != days[-1][1]:
            days.append((day, merged))
    return tuple(Period(day, hour, tariff) for day, tariffs in days for hour, tariff in tariffs)


def tariff_in(timetable: Timetable, day: date | None, hour: time) -> Tariff:
    """What holds at this hour of this day; None is long ago."""
    starts = [p.starts_on for p in timetable if _begun(p.starts_on, day)]
    periods = [p for p in timetable if p.starts_on == starts[-1] and p.starts_at <= hour]
    return periods[-1].tariff


def changes(old: Mapping[str, Timetable], new: Mapping[str, Timetable]) -> Iterator[Change]:
    """What differs between a model's timetables by service. A service without one costs what the standard one does."""
    for service in sorted(old.keys() | new.keys()):
        spans = _spans(old.get(service, old[""]), new.get(service, new[""]))
        ends = (*(day for day, _ in spans[1:]), None)
        for (day, differing), end in zip(spans, ends, strict=True):
            yield from (Change(service, day, end, hour, *rates) for hour, rates in differing)


def written(timetable: Timetable) -> list[dict[str, Any]]:
    """In JSON's types. What follows from the rest is left out."""
    return [
        {
            **({"from": period.starts_on.isoformat()} if period.starts_on else {}),
            **({"at": period.starts_at.isoformat("minutes")} if period.starts_at != _MIDNIGHT else {}),
            "rates": [_written_card(card) for card in period.tariff.cards],
        }
        for period in timetable
    ]


def read(periods: list[dict[str, Any]]) -> Timetable:
    """What `written` wrote."""
    return tuple(
        Period(
            date.fromisoformat(period["from"]) if "from" in period else None,
            time.fromisoformat(period.get("at", "00:00")),
            Tariff(tuple(_read_card(card) for card in period["rates"])),
        )
        for period in periods
    )


def _begun(starts_on: date | None, day: date | None) -> bool:
    return starts_on is None or (day is not None and starts_on <= day)


_Rates = tuple[int, str, int, int]
_Differing = list[tuple[time, _Rates]]


def _spans(old: Timetable, new: Timetable) -> list[tuple[date | None, _Differing]]:
    """What differs on a day, by hour, from that day until the next one listed."""
    days = sorted({p.starts_on for p in (*old, *new) if p.starts_on is not None})
    hours = sorted({p.starts_at for p in (*old, *new)})
    spans: list[tuple[date | None, _Differing]] = []
    for day in (None, *days):
        found = _on_a_day([(hour, tariff_in(old, day, hour), tariff_in(new, day, hour)) for hour in hours])
        if not spans or found != spans[-1][1]:
            spans.append((day, found))
    return spans


def _on_a_day(tariffs: list[tuple[time, Tariff, Tariff]]) -> _Differing:
    found: _Differing = []
    before: list[_Rates] = []
    for hour, old, new in tariffs:
        rates = list(_differing(old, new))
        found += [(hour, rate) for rate in rates if rate not in before]
        before = rates
    return found


def _differing(old: Tariff, new: Tariff) -> Iterator[_Rates]:
    for above in sorted({card.above for card in (*old.cards, *new.cards)}):
        was, now = old.card_for(above + 1), new.card_for(above + 1)
        rates = {kind: (getattr(was, kind), getattr(now, kind)) for kind in KINDS}
        for kind, (before, after) in rates.items():
            if before != after and all(rates[plainer] != rates[kind] for plainer in _PLAINER.get(kind, ())):
                yield max(above, 0), kind, before, after


def _written_card(card: RateCard) -> dict[str, Any]:
    rates = {kind: published(kind, getattr(card, kind)) for kind in KINDS}
    for kind in _OPTIONAL:
        without = {other: rate for other, rate in rates.items() if other != kind}
        if UsdCard(card.above, **without).rate_card() == card:
            rates = without
    said = {kind: f"{rate.normalize():f}" for kind, rate in rates.items()}
    return said if card.above < 0 else {"above": card.above, **said}


def _read_card(said: dict[str, Any]) -> RateCard:
    rates = {kind: Decimal(said[kind]) for kind in KINDS if kind in said}
    return UsdCard(said.get("above", -1), **rates).rate_card()


def usd(rate: int, kind: str) -> str:
    """A rate as people read it: `$0.1`."""
    return f"${published(kind, rate).normalize():f}" if rate else "$0"
