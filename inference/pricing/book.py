"""The price book: what a call costs, exactly, and what it can cost at most."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inference.domain import PRICED_SERVICES, Call, Model, Usage
from inference.models_file import PriceEntry, RatesEntry, read_models_file
from inference.pricing import genai
from inference.pricing.schedule import OverriddenSchedule, PriceOverride, Schedule
from inference.pricing.tariff import PriceError, Rates, Tariff, UsdCard, worst_of

# A call that is admitted just before a price rises may be billed just after: its reservation looks this far ahead.
LONGEST_CALL = timedelta(minutes=15)

_FOREVER = float("inf")

ModelKey = tuple[str, str]
"""A provider's id and its name for the model."""

_Key = tuple[ModelKey, str]
"""A model and the service it is called with; "" is the standard one."""

_InForce = dict[_Key, tuple[Tariff, Tariff]]
"""The tariff to bill by, and the one to reserve by."""


class PriceBook:
    """Prices of every model, effective-dated. Money is integer nano-USD; times are aware.

    The tariffs in force are computed once and kept until the next moment at which one of them changes, so that
    pricing a call is a lookup and a few multiplications. `epoch` grows when they are computed anew: whoever derives
    something from prices keeps it by that number.
    """

    def __init__(
        self,
        overrides: Mapping[ModelKey, Sequence[PriceOverride]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._overrides = {key: tuple(value) for key, value in (overrides or {}).items() if value}
        self._clock = clock
        self._schedules: dict[_Key, Schedule] = {}
        self._now: _InForce = {}
        self._computed_at = clock()
        self._fresh_until = _FOREVER
        self._epoch = 0
        self.version = _version(self._overrides)

    @classmethod
    def load(cls, path: Path, clock: Callable[[], float] = time.time) -> PriceBook:
        """With the dated prices of a models file. Raises RegistryError when the file does not fit its shape."""
        entries = read_models_file(path).models
        return cls({(e.provider, e.upstream): [_override(price) for price in e.prices] for e in entries}, clock)

    @property
    def epoch(self) -> int:
        if self._clock() >= self._fresh_until:
            self._refresh()
        return self._epoch

    def price(self, model: Model, usage: Usage, at: datetime | None = None, service: str = "") -> int:
        """What this usage costs now, or cost at `at`, in nano-USD."""
        if at is None:
            return self._in_force(model, service)[0].price(usage)
        return self._tariff_at(model, service, at).price(usage)

    def bound(self, model: Model, input_tokens: int, output_tokens: int, service: str = "") -> int:
        """What a call that starts now and uses at most so many tokens cannot exceed, in nano-USD."""
        return self._in_force(model, service)[1].bound(input_tokens, output_tokens)

    def worst_case(self, model: Model, call: Call, output_tokens: int) -> int:
        """What this call can cost with this model at most: a discount it asks for may not be given, a surcharge may.

        What the model's context cannot hold, the provider refuses.
        """
        input_tokens = min(call.input_token_bound, model.context_tokens)
        standard = self.bound(model, input_tokens, output_tokens)
        if not call.service:
            return standard
        return max(standard, self.bound(model, input_tokens, output_tokens, call.service))

    def rates(self, model: Model, at: datetime | None = None, service: str = "") -> Rates:
        """USD per million tokens, for people."""
        tariff = self._in_force(model, service)[0] if at is None else self._tariff_at(model, service, at)
        return tariff.rates()

    def check(self, model: Model) -> str:
        """Why this model cannot be sold at a price we know and trust; empty when it can."""
        key = (model.provider, model.upstream_id)
        if key not in self._overrides and genai.is_deprecated(*key):
            return f"{model.upstream_id} is deprecated by {model.provider}"
        try:
            self._in_force(model, "")
        except PriceError as error:
            return str(error)
        return ""

    def _in_force(self, model: Model, service: str) -> tuple[Tariff, Tariff]:
        """The tariff to bill by, and the one to reserve by."""
        if self._clock() >= self._fresh_until:
            self._refresh()
        key = _key(model, service)
        found = self._now.get(key)
        return found if found is not None else self._add(key)

    def _tariff_at(self, model: Model, service: str, at: datetime) -> Tariff:
        in_force = self._in_force(model, service)[0]
        if self._computed_at <= at.timestamp() < self._fresh_until:
            return in_force
        return self._schedules[_key(model, service)].tariff_at(at)

    def _add(self, key: _Key) -> tuple[Tariff, Tariff]:
        schedule = self._find_schedule(*key)
        self._compute({key: schedule}, kept=self._now, fresh_until=self._fresh_until)
        self._schedules[key] = schedule
        return self._now[key]

    def _refresh(self) -> None:
        self._compute(self._schedules, kept={}, fresh_until=_FOREVER)

    def _compute(self, schedules: Mapping[_Key, Schedule], *, kept: _InForce, fresh_until: float) -> None:
        """What is in force now, and until when; replaced as a whole, so that a reader never sees half of it."""
        self._computed_at = self._clock()
        now = datetime.fromtimestamp(self._computed_at, UTC)
        tariffs = dict(kept)
        for key, schedule in schedules.items():
            change = schedule.next_change(now)
            tariffs[key] = _in_force_and_worst(schedule, now, change)
            if change is not None:
                seen_from = change if change - now <= LONGEST_CALL else change - LONGEST_CALL
                fresh_until = min(fresh_until, seen_from.timestamp())
        self._now = tariffs
        self._fresh_until = fresh_until
        self._epoch += 1

    def _find_schedule(self, model: ModelKey, service: str) -> Schedule:
        base = genai.find_schedule(*model, service)
        overrides = self._overrides.get(model, ())
        if overrides:
            return OverriddenSchedule(base, overrides)
        if base is None:
            raise PriceError(f"no price is known for {model[1]} of {model[0]}")
        base.check()
        return base


def _key(model: Model, service: str) -> _Key:
    return (model.provider, model.upstream_id), service if service in PRICED_SERVICES else ""


def _override(entry: PriceEntry) -> PriceOverride:
    lengths: list[tuple[int, RatesEntry]] = [(-1, entry), *((longer.above, longer) for longer in entry.long_context)]
    cards = (
        UsdCard(above, r.input, r.output, r.cached_input, r.cache_write, r.cache_write_1h)
        for above, r in sorted(lengths, key=lambda length: length[0])
    )
    return PriceOverride(entry.starts_on, entry.ends_on, tuple(cards))


def _in_force_and_worst(schedule: Schedule, now: datetime, change: datetime | None) -> tuple[Tariff, Tariff]:
    tariff = schedule.tariff_at(now)
    if change is None or change - now > LONGEST_CALL:
        return tariff, tariff
    return tariff, worst_of((tariff, schedule.tariff_at(change)))


def _version(overrides: Mapping[ModelKey, Sequence[PriceOverride]]) -> str:
    name = f"genai-prices {genai.TABLE_VERSION}"
    if not overrides:
        return name
    return f"{name}+{hashlib.sha256(repr(sorted(overrides.items())).encode()).hexdigest()[:12]}"
