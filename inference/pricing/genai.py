"""The maintained price table of `genai-prices`, read into our tariffs. The only module that knows that package."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from inference.pricing.rates import PriceError, RateCard, UsdCard
from inference.pricing.schedule import BATCH, discounted
from inference.pricing.tariff import Tariff

TABLE_VERSION = genai_prices.__version__

__all__ = ["TABLE_VERSION", "GenaiSchedule", "find_schedule", "is_deprecated", "table_path"]

_INPUT, _OUTPUT = "input_mtok", "output_mtok"
_KINDS: Final = {
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "cache_audio_read_mtok": "cached_audio",
    "output_audio_mtok": "audio_output",
    "output_reasoning_mtok": "reasoning",
    "web_searches_kcount": "web_search",
    "storage_searches_kcount": "file_search",
}
"""The table's name for a price, and ours for the kind it is the rate of."""

# What providers count as input or output tokens without telling how many: no matter if they cost the same as text.
_UNTOLD: Final = ("_image_", "_video_")

_CONTEXTS: Final[dict[str, dict[str, str] | None]] = {
    "": None,
    BATCH: {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}


class GenaiSchedule:
    """One model's prices under one service ("" is the provider's standard one).

    `discount` is what is deducted while the table has no price of its own for the service.
    """

    __slots__ = ("_context", "_discount", "_model")

    def __init__(self, model: ModelInfo, service: str, discount: Decimal | None = None) -> None:
        self._model = model
        self._context = _CONTEXTS[service]
        self._discount = discount

    def check(self) -> None:
        """Raises PriceError if any price the model has had or will have, whichever way it is served, is of a kind we
        cannot charge."""
        prices = self._model.prices
        for standard in [prices] if isinstance(prices, ModelPrice) else [dated.prices for dated in prices]:
            _tariff(standard)
            for special in self._specials():
                _tariff(ModelPrice(**vars(standard) | vars(special)))

    def tariff_at(self, at: datetime) -> Tariff:
        tariff = _tariff(self._model.get_prices(at, self._context))
        if self._discount is None or self._has_own_price(at):
            return tariff
        return discounted(tariff, self._discount)

    def days(self) -> frozenset[date]:
        return frozenset(c.start_date for c in self._constraints() if isinstance(c, StartDateConstraint))

    def hours(self) -> frozenset[time]:
        windows = (c for c in self._constraints() if isinstance(c, TimeOfDateConstraint))
        return frozenset(_in_utc(hour) for window in windows for hour in (window.start_time, window.end_time))

    def _specials(self) -> Iterator[ModelPrice]:
        """What is different under one of our services."""
        contexts = [context for context in _CONTEXTS.values() if context]
        for variant in self._model.price_variants or ():
            if any(variant.when.items() <= context.items() for context in contexts):
                yield variant.prices

    def _has_own_price(self, at: datetime) -> bool:
        context = self._context or {}
        return any(
            (variant.constraint is None or variant.constraint.active(at)) and variant.when.items() <= context.items()
            for variant in self._model.price_variants or ()
        )

    def _constraints(self) -> Iterator[StartDateConstraint | TimeOfDateConstraint | None]:
        if not isinstance(self._model.prices, ModelPrice):
            yield from (price.constraint for price in self._model.prices)
        if self._context:
            yield from (variant.constraint for variant in self._model.price_variants or ())


def find_schedule(
    provider: str, upstream_id: str, service: str = "", batch_discount: Decimal | None = None
) -> GenaiSchedule | None:
    """The schedule of a provider's model, or None when the table has none. A deprecated model still has its price."""
    found = _find(provider, upstream_id)
    if found is None:
        return None
    model, is_own = found
    # A price borrowed from another provider's list is its standard one; that provider's discounts are not carried over.
    return GenaiSchedule(model, service if is_own else "", batch_discount if service == BATCH else None)


def is_deprecated(provider: str, upstream_id: str) -> bool:
    found = _find(provider, upstream_id)
    return found is not None and bool(found[0].deprecated)


def table_path() -> str:
    """Where the table in use was read from."""
    return str(genai_prices.__file__)


def _find(provider: str, upstream_id: str) -> tuple[ModelInfo, bool] | None:
    try:
        owner, model = get_snapshot().find_provider_model(upstream_id, None, provider, None)
    except LookupError:
        return None
    return model, any(model is own for own in owner.models)


def _in_utc(hour: time) -> time:
    return hour if hour.tzinfo is None else datetime.combine(date(1970, 1, 1), hour).astimezone(UTC).time()


def _tariff(prices: ModelPrice) -> Tariff:
    stored = {key: value for key, value in vars(prices).items() if value is not None}
    if _INPUT not in stored:
        raise PriceError("the price table has no price per input token")
    stored.setdefault(_OUTPUT, Decimal(0))  # embedding models write nothing; the book refuses it for all others
    _refuse_what_cannot_be_charged(stored)
    used = {key: value for key, value in stored.items() if key in _KINDS or key in (_INPUT, _OUTPUT)}
    tiered = (value for value in used.values() if isinstance(value, TieredPrices))
    thresholds = sorted({tier.start for value in tiered for tier in value.tiers})
    return Tariff(tuple(_card(above, used) for above in (-1, *thresholds)))


def _refuse_what_cannot_be_charged(stored: dict[str, Decimal | TieredPrices]) -> None:
    """A price for something that no answer counts would be a bill that is wrong now and then."""
    beside = {key: value for key, value in stored.items() if key not in _KINDS and key not in (_INPUT, _OUTPUT)}
    unknown = sorted(
        key
        for key, value in beside.items()
        if key == "requests_kcount" or not (key.endswith("_kcount") or _costs_as_text(key, value, stored))
    )
    if unknown:
        raise PriceError(f"it is charged by {', '.join(unknown)}, which is not supported")


def _costs_as_text(key: str, value: Decimal | TieredPrices, stored: dict[str, Decimal | TieredPrices]) -> bool:
    part = next((part for part in _UNTOLD if part in key), None)
    return part is not None and value == stored.get(key.replace(part, "_"))


def _card(above: int, prices: dict[str, Decimal | TieredPrices]) -> RateCard:
    at_length = {key: _price_above(above, value) for key, value in prices.items()}
    others = {kind: at_length[key] for key, kind in _KINDS.items() if key in at_length}
    return UsdCard(above, at_length[_INPUT], at_length[_OUTPUT], **others).rate_card()


def _price_above(above: int, price: Decimal | TieredPrices) -> Decimal:
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if tier.start <= above]
    return reached[-1] if reached else price.base
