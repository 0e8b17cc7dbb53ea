"""The price book: what a call costs, exactly, and what it can cost at most."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inference.domain import PRICED_SERVICES, Call, Model, Usage
from inference.models_file import read_models_file
from inference.pricing import genai
from inference.pricing.rates import PriceError, Rates
from inference.pricing.schedule import OverriddenSchedule, PriceOverride, Schedule, next_change
from inference.pricing.tariff import Line, Tariff, worst_of
from inference.pricing.terms import NO_TERMS, ProviderTerms, override_of, terms_of

# A call that is admitted just before a price rises may be billed just after: its reservation looks this far ahead.
LONGEST_CALL = timedelta(minutes=15)

_FOREVER = float("inf")

ModelKey = tuple[str, str]
"""A provider's id and its name for the model."""

_Key = tuple[str, str, str]
"""A provider's id, its name for the model, and the service that is called; "" is the standard one."""

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
        terms: Mapping[str, ProviderTerms] | None = None,
    ) -> None:
        """`terms` by provider."""
        self._overrides = {key: tuple(value) for key, value in (overrides or {}).items() if value}
        self._terms = dict(terms or {})
        self._clock = clock
        self._schedules: dict[_Key, Schedule] = {}
        self._now: _InForce = {}
        self._reserves: dict[_Key, Tariff] = {}
        self._computed_at = clock()
        self._fresh_until = _FOREVER
        self._epoch = 0
        self.version = _version(self._overrides, self._terms)

    @classmethod
    def load(cls, path: Path, clock: Callable[[], float] = time.time) -> PriceBook:
        """With the dated prices of a models file. Raises RegistryError when the file does not fit its shape."""
        file = read_models_file(path)
        overrides = {(e.provider, e.upstream): [override_of(price) for price in e.prices] for e in file.models}
        return cls(overrides, clock, {provider.id: terms_of(provider) for provider in file.providers})

    @property
    def epoch(self) -> int:
        if self._clock() >= self._fresh_until:
            self._refresh()
        return self._epoch

    def price(self, model: Model, usage: Usage, at: datetime | None = None, service: str = "") -> int:
        """What this usage costs now, or cost at `at`, in nano-USD."""
        if at is None:
            return self._in_force(model, service)[0].price(usage)
        return self.tariff(model, at, service).price(usage)

    def lines(self, model: Model, usage: Usage, at: datetime | None = None, service: str = "") -> tuple[Line, ...]:
        """What that price is the sum of, before it is rounded."""
        return self.tariff(model, at, service).lines(usage)

    def bound(self, model: Model, input_tokens: int, output_tokens: int, service: str = "") -> int:
        """What a call that starts now and uses at most so many tokens, with this service, cannot exceed."""
        return self._in_force(model, service)[1].bound(input_tokens, output_tokens)

    def worst_case(self, model: Model, call: Call, output_tokens: int) -> int:
        """What this call can cost with this model at most, whichever way it is served: a discount it asks for may not
        be given, a surcharge may, and an account may be set to one that is not asked for.

        What the model's context cannot hold, the provider refuses; what its own searches find, it reads too.
        """
        if self._clock() >= self._fresh_until:
            self._refresh()
        reserve = self._reserves.get((model.provider, model.upstream_id, call.service))
        if reserve is None:
            reserve = self._add_reserve(model, call.service)
        if call.searches:
            return reserve.bound(model.context_tokens, output_tokens, call.searches)
        return reserve.bound(min(call.input_token_bound, model.context_tokens), output_tokens)

    def rates(self, model: Model, at: datetime | None = None, service: str = "") -> Rates:
        """USD per million tokens, for people."""
        return self.tariff(model, at, service).rates()

    def tariff(self, model: Model, at: datetime | None = None, service: str = "") -> Tariff:
        """The tariff in force now, or at `at`."""
        in_force = self._in_force(model, service)[0]
        if at is None or self._computed_at <= at.timestamp() < self._fresh_until:
            return in_force
        return self.schedule(model, service).tariff_at(at)

    def schedule(self, model: Model, service: str = "") -> Schedule:
        """All prices the model had, has, and is known to get. Raises PriceError when there is none."""
        self._in_force(model, service)
        return self._schedules[_key(model, service)]

    def check(self, model: Model) -> str:
        """Why this model cannot be sold at a price we know and trust; empty when it can."""
        key = (model.provider, model.upstream_id)
        if key not in self._overrides and genai.is_deprecated(*key):
            return f"{model.upstream_id} is deprecated by {model.provider}"
        try:
            tariff = self._in_force(model, "")[0]
        except PriceError as error:
            return str(error)
        if model.max_output_tokens and any(card.input and not card.output for card in tariff.cards):
            return "the price table has no price per output token"
        return ""

    def _in_force(self, model: Model, service: str) -> tuple[Tariff, Tariff]:
        """The tariff to bill by, and the one to reserve by."""
        if self._clock() >= self._fresh_until:
            self._refresh()
        found = self._now.get((model.provider, model.upstream_id, service))
        return found if found is not None else self._add(_key(model, service))

    def _add(self, key: _Key) -> tuple[Tariff, Tariff]:
        found = self._now.get(key)
        if found is not None:
            return found
        schedule = self._find_schedule(key)
        self._compute({key: schedule}, kept=self._now, fresh_until=self._fresh_until)
        self._schedules[key] = schedule
        return self._now[key]

    def _add_reserve(self, model: Model, asked_for: str) -> Tariff:
        """Of all the ways this call may be served."""
        unasked = (
            self._terms.get(model.provider, NO_TERMS).unasked_services if not asked_for else frozenset((asked_for,))
        )
        reserves = self._reserves  # taken before the lookups: each of them may begin a new set, to which these are old
        tariffs = tuple(self._in_force(model, service)[1] for service in ("", *sorted(unasked)))
        return reserves.setdefault((model.provider, model.upstream_id, asked_for), worst_of(tariffs))

    def _refresh(self) -> None:
        self._compute(self._schedules, kept={}, fresh_until=_FOREVER)

    def _compute(self, schedules: Mapping[_Key, Schedule], *, kept: _InForce, fresh_until: float) -> None:
        """What is in force now, and until when; replaced as a whole, so that a reader never sees half of it."""
        self._computed_at = self._clock()
        now = datetime.fromtimestamp(self._computed_at, UTC)
        tariffs = dict(kept)
        for key, schedule in schedules.items():
            change = next_change(schedule, now)
            tariffs[key] = _in_force_and_worst(schedule, now, change)
            if change is not None:
                seen_from = change if change - now <= LONGEST_CALL else change - LONGEST_CALL
                fresh_until = min(fresh_until, seen_from.timestamp())
        self._now = tariffs
        self._reserves = {}
        self._fresh_until = fresh_until
        self._epoch += 1

    def _find_schedule(self, key: _Key) -> Schedule:
        provider, upstream_id, service = key
        discount = self._terms.get(provider, NO_TERMS).batch_discount
        base = genai.find_schedule(provider, upstream_id, service, discount)
        overrides = self._overrides.get((provider, upstream_id), ())
        if overrides:
            return OverriddenSchedule(base, overrides, service, discount)
        if base is None:
            raise PriceError(f"no price is known for {upstream_id} of {provider}")
        base.check()
        return base


def _key(model: Model, service: str) -> _Key:
    return model.provider, model.upstream_id, service if service in PRICED_SERVICES else ""


def _in_force_and_worst(schedule: Schedule, now: datetime, change: datetime | None) -> tuple[Tariff, Tariff]:
    tariff = schedule.tariff_at(now)
    if change is None or change - now > LONGEST_CALL:
        return tariff, tariff
    return tariff, worst_of((tariff, schedule.tariff_at(change)))


def _version(overrides: Mapping[ModelKey, Sequence[PriceOverride]], terms: Mapping[str, ProviderTerms]) -> str:
    """The table's, with a digest of all that is said beside it."""
    name = f"genai-prices {genai.TABLE_VERSION}"
    discounts = sorted((key, t.batch_discount) for key, t in terms.items() if t.batch_discount is not None)
    if not overrides and not discounts:
        return name
    return f"{name}+{hashlib.sha256(repr((sorted(overrides.items()), discounts)).encode()).hexdigest()[:12]}"
