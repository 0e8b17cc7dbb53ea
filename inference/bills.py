"""The bill of one request: what it cost, what it would have cost, and what both are the sum of, for its receipt."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from inference.domain import PRICED_SERVICES, Cost, Model, Order, Tier, Usage, Wire
from inference.endings import Ending
from inference.pricing import Line, PriceBook

ROUTING = "routing"
OPTIMIZATION = "token_optimization"
BATCH = "batch"
PROVIDER_CACHE = "provider_cache"
CACHES = {Tier.T1: "cache_t1", Tier.T2: "cache_t2", Tier.T3: "cache_t3"}


@dataclass(frozen=True, slots=True)
class Bill:
    """`lines` add up to the cost, `original_lines` to the original cost; `parts` are what each technique saved of it,
    in nano-USD, and add up to the difference."""

    cost: Cost
    service: str
    original_service: str
    lines: tuple[Line, ...]
    original_lines: tuple[Line, ...]
    parts: tuple[tuple[str, int], ...]

    def receipt(self) -> dict[str, Any]:
        """For the ledger. What was as it was asked for is said once."""
        said: dict[str, Any] = {"at_ms": int(time.time() * 1000), "lines": self.lines}
        if self.service:
            said["service"] = self.service
        if self.original_lines != self.lines or self.original_service != self.service:
            said |= {"original_lines": self.original_lines, "original_service": self.original_service}
        if self.parts:
            said["parts"] = self.parts
        return said


def make_bill(prices: PriceBook, order: Order, ending: Ending) -> Bill:
    """By the prices of now."""
    usage, service, paid = ending.usage, ending.usage.service, ending.paid
    cost = 0
    lines: tuple[Line, ...] = ()
    if paid is not None:
        tariff = prices.tariff(paid, service=service)
        cost, lines = tariff.price(usage), tariff.lines(usage)
        if _marked_by_us(order, paid, usage):
            return _marked_bill(prices, order, usage, paid)
        if paid.id == order.baseline.id and not order.tokens_saved:
            return Bill(_cost(prices, order, cost, cost), service, service, lines, lines, ())
    asked, service_asked = _as_asked(order, ending)
    tariff = prices.tariff(order.baseline, service=service_asked)
    original = tariff.price(asked)
    unrouted = original if asked is usage or paid is None else tariff.price(usage)
    parts = _parts(ending.tier, cost, unrouted, original)
    return Bill(_cost(prices, order, cost, original), service, service_asked, lines, tariff.lines(asked), parts)


def _marked_by_us(order: Order, paid: Model, usage: Usage) -> bool:
    """Whether the provider's cache was used because of our marks alone. Anthropic caches nothing that is not marked, so
    a call that neither the caller nor we had marked would have paid for every token, with either model."""
    marked = order.marks is not None and paid.id in order.marks.cuts
    cached = usage.cached_input_tokens or usage.cache_write_tokens
    return bool(marked and cached) and paid.wire is Wire.MESSAGES and order.baseline.wire is Wire.MESSAGES


def _marked_bill(prices: PriceBook, order: Order, usage: Usage, paid: Model) -> Bill:
    """By what the provider says that it read from its cache and wrote to it, which may have cost more than it saved."""
    service = usage.service
    unmarked = replace(usage, cached_input_tokens=0, cache_write_tokens=0, cache_write_1h_tokens=0)
    asked = replace(unmarked, input_tokens=usage.input_tokens + order.tokens_saved)
    tariff, baseline = prices.tariff(paid, service=service), prices.tariff(order.baseline, service=service)
    cost, plain = tariff.price(usage), tariff.price(unmarked)
    unrouted, original = baseline.price(unmarked), baseline.price(asked)
    parts = (OPTIMIZATION, original - unrouted), (ROUTING, unrouted - plain), (PROVIDER_CACHE, plain - cost)
    return Bill(
        _cost(prices, order, cost, original), service, service, tariff.lines(usage), baseline.lines(asked),
        tuple((name, nano) for name, nano in parts if nano),
    )  # fmt: skip


def _cost(prices: PriceBook, order: Order, cost: int, original: int) -> Cost:
    return Cost(cost, original, order.baseline.id, prices.version, order.own_spend_nano)


def _as_asked(order: Order, ending: Ending) -> tuple[Usage, str]:
    """What the caller would have used without us, and how it would have been served.

    A line of a batch would have been one without us, too: the provider's discount is no saving of ours. An answer out
    of a cache is priced the way this call asks to be served, not the way the first one was. What the first one wrote
    into the provider's own cache, this one would have read from there.
    """
    usage, service = ending.usage, ending.usage.service
    if ending.paid is not None:
        saved = order.tokens_saved
        return (replace(usage, input_tokens=usage.input_tokens + saved) if saved else usage), service
    if usage.cache_write_tokens:
        cached = usage.cached_input_tokens + usage.cache_write_tokens
        usage = replace(usage, cached_input_tokens=cached, cache_write_tokens=0, cache_write_1h_tokens=0)
    return usage, order.call.service if order.call.service in PRICED_SERVICES else ""


def _parts(tier: Tier, cost: int, unrouted: int, original: int) -> tuple[tuple[str, int], ...]:
    """`unrouted` is what the tokens of this answer cost at the model that was asked for."""
    if tier is not Tier.MISS:
        return ((CACHES[tier], original),)
    if original == unrouted:
        return ((ROUTING, original - cost),) if original != cost else ()
    parts = (OPTIMIZATION, original - unrouted), (ROUTING, unrouted - cost)
    return tuple((name, nano) for name, nano in parts if nano)
