"""The choice itself: among the models that may be asked, the cheapest that is good enough, and who stands in for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from inference.domain import Model, Plan, Refusal, Usage
from inference.pricing import PriceBook
from inference.routing.constraints import Constraints
from inference.routing.demand import Demand, latency_limit
from inference.routing.preferences import EXPECTED_OUTPUT_TOKENS

MAX_FALLBACKS = 2


@dataclass(frozen=True, slots=True)
class _Offer:
    """A model with what it is expected to cost and how well it is expected to do."""

    model: Model
    price: int
    quality: float


class Chooser:
    """Turns a demand into a plan. Pure: the same demand at the same prices gives the same plan."""

    def __init__(self, constraints: Constraints, prices: PriceBook) -> None:
        self._meeting = lru_cache(maxsize=1024)(constraints.meeting)
        self._prices = prices

    def choose(self, demand: Demand) -> Plan | Refusal:
        models = self._meeting(demand._replace(task="", bar=0.0))  # conditions do not depend on either
        if isinstance(models, Refusal):
            return models
        offers = [self._offer(model, demand) for model in _quick_enough(models, demand)]
        good = sorted((o for o in offers if o.quality >= demand.bar), key=lambda o: (o.price, -o.quality, o.model.id))
        ranked = good or sorted(offers, key=lambda o: (-o.quality, o.price, o.model.id))
        best = ranked[0]
        fallbacks = _configured(best.model, offers) or _fallbacks(ranked)
        reason = _reason(demand, best, len(good), fallbacks)
        return Plan(best.model, demand.mode, reason, fallbacks, demand.task, best.quality)

    def _offer(self, model: Model, demand: Demand) -> _Offer:
        output = EXPECTED_OUTPUT_TOKENS[demand.task]
        if demand.max_output_tokens is not None:
            output = min(output, demand.max_output_tokens)
        price = self._prices.price(model, Usage(input_tokens=demand.input_tokens, output_tokens=output))
        return _Offer(model, price, model.quality_for(demand.task) or 0.0)


def _quick_enough(models: tuple[Model, ...], demand: Demand) -> tuple[Model, ...]:
    """A preference narrows the choice but never empties it: when nothing is that quick, the quickest is."""
    limit = latency_limit(demand)
    if limit is None:
        return models
    limit = max(limit, min(model.latency_ms for model in models))
    return tuple(model for model in models if model.latency_ms <= limit)


def _configured(model: Model, offers: list[_Offer]) -> tuple[Model, ...]:
    """The chain that the models file gives this model, as far as the call may go to its members."""
    allowed = {offer.model.id: offer.model for offer in offers}
    return tuple(allowed[name] for name in model.fallbacks if name in allowed)


def _fallbacks(ranked: list[_Offer]) -> tuple[Model, ...]:
    """The next in rank, those of providers not yet tried first: a provider tends to fail as a whole."""
    chosen = [ranked[0].model]
    rest = [offer.model for offer in ranked[1:]]
    while rest and len(chosen) <= MAX_FALLBACKS:
        tried = {model.provider for model in chosen}
        pick = next((model for model in rest if model.provider not in tried), rest[0])
        rest.remove(pick)
        chosen.append(pick)
    return tuple(chosen[1:])


def _reason(demand: Demand, best: _Offer, good: int, fallbacks: tuple[Model, ...]) -> str:
    """Plain ASCII, since it travels in a header."""
    name, bar = best.model.id, f"{demand.bar:.2f}"
    if good > 1:
        why = f"{name} is the cheapest of {good} with quality {best.quality:.2f} >= {bar}"
    elif good == 1:
        why = f"{name} is the only one with quality {best.quality:.2f} >= {bar}"
    else:
        why = f"{name} is the best there is with quality {best.quality:.2f}, below {bar}"
    then = f"; next: {', '.join(model.id for model in fallbacks)}" if fallbacks else ""
    return f"{demand.mode}: {demand.task} task, {why}{then}"
