"""The maintained price table of `genai-prices`, read into our tariffs. The only module that knows that package."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from inference.pricing.schedule import earliest, midnight, next_time_of_day
from inference.pricing.tariff import PriceError, RateCard, Tariff, UsdCard

TABLE_VERSION = genai_prices.__version__

__all__ = ["TABLE_VERSION", "GenaiSchedule", "find_schedule", "is_deprecated"]

_INPUT, _OUTPUT = "input_mtok", "output_mtok"
_OPTIONAL = ("cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok")

# Charged per search or per other modality, never per text token: they do not change what text costs.
_BESIDE_TEXT = ("_kcount", "_audio_", "_image_", "_video_")

_CONTEXTS: dict[str, dict[str, str] | None] = {
    "": None,
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}


class GenaiSchedule:
    """One model's prices under one service ("" is the provider's standard one)."""

    __slots__ = ("_context", "_model")

    def __init__(self, model: ModelInfo, service: str) -> None:
        self._model = model
        self._context = _CONTEXTS[service]

    def check(self) -> None:
        """Raises PriceError if any price the model has had or will have is of a kind we cannot charge."""
        prices = self._model.prices
        for price in [prices] if isinstance(prices, ModelPrice) else [dated.prices for dated in prices]:
            _tariff(price)

    def tariff_at(self, at: datetime) -> Tariff:
        return _tariff(self._model.get_prices(at, self._context))

    def next_change(self, after: datetime) -> datetime | None:
        return earliest(list(self._changes(after)), after)

    def _changes(self, after: datetime) -> Iterator[datetime]:
        for constraint in self._constraints():
            if isinstance(constraint, StartDateConstraint):
                yield midnight(constraint.start_date)
            elif isinstance(constraint, TimeOfDateConstraint):
                yield next_time_of_day(constraint.start_time, after)
                yield next_time_of_day(constraint.end_time, after)

    def _constraints(self) -> Iterator[StartDateConstraint | TimeOfDateConstraint | None]:
        if not isinstance(self._model.prices, ModelPrice):
            yield from (price.constraint for price in self._model.prices)
        if self._context:
            yield from (variant.constraint for variant in self._model.price_variants or ())


def find_schedule(provider: str, upstream_id: str, service: str = "") -> GenaiSchedule | None:
    """The schedule of a provider's model, or None when the table has none. A deprecated model still has its price."""
    found = _find(provider, upstream_id)
    if found is None:
        return None
    model, is_own = found
    # A price borrowed from another provider's list is its standard one; discounts are not carried over.
    return GenaiSchedule(model, service if is_own else "")


def is_deprecated(provider: str, upstream_id: str) -> bool:
    found = _find(provider, upstream_id)
    return found is not None and bool(found[0].deprecated)


def _find(provider: str, upstream_id: str) -> tuple[ModelInfo, bool] | None:
    try:
        owner, model = get_snapshot().find_provider_model(upstream_id, None, provider, None)
    except LookupError:
        return None
    return model, any(model is own for own in owner.models)


def _tariff(prices: ModelPrice) -> Tariff:
    stored = {key: value for key, value in vars(prices).items() if value is not None}
    if _INPUT not in stored or _OUTPUT not in stored:
        raise PriceError("the price table has no price per input and output token")
    used = {key: stored.pop(key) for key in (_INPUT, _OUTPUT, *_OPTIONAL) if key in stored}
    unknown = sorted(key for key in stored if not any(part in key for part in _BESIDE_TEXT))
    if unknown or "requests_kcount" in stored:
        raise PriceError(f"it is charged by {', '.join(unknown or ['requests_kcount'])}, which is not supported")
    tiered = (value for value in used.values() if isinstance(value, TieredPrices))
    thresholds = sorted({tier.start for value in tiered for tier in value.tiers})
    return Tariff(tuple(_card(above, used) for above in (-1, *thresholds)))


def _card(above: int, prices: dict[str, Decimal | TieredPrices]) -> RateCard:
    at_length = {key: _price_above(above, value) for key, value in prices.items()}
    prices_at = UsdCard(above, at_length[_INPUT], at_length[_OUTPUT], *(at_length.get(key) for key in _OPTIONAL))
    return prices_at.rate_card()


def _price_above(above: int, price: Decimal | TieredPrices) -> Decimal:
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if tier.start <= above]
    return reached[-1] if reached else price.base
