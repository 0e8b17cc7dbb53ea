"""A bill from the ledger, computed once more from today's knowledge of the prices of its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from inference.domain import Model
from inference.pricing import Line, PriceBook
from inference.pricing.rates import INPUT_KINDS
from inference.pricing.tariff import Tariff, price_of


@dataclass(frozen=True, slots=True)
class Repriced:
    """What was billed for these lines, and what the book says they cost then. Money is nano-USD."""

    model: str
    service: str
    stored: int
    recomputed: int
    stored_lines: tuple[Line, ...]
    lines: tuple[Line, ...]


def billed_at(bill: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(bill["at_ms"] / 1000, UTC)


def reprice(prices: PriceBook, model: Model, bill: Mapping[str, Any], *, stored: int, original: bool) -> Repriced:
    """`bill` as a ledger row's receipt has it; `original`: the original cost instead of the cost."""
    service = bill.get("service", "")
    counted = bill["lines"]
    if original and "original_lines" in bill:
        service, counted = bill["original_service"], bill["original_lines"]
    stored_lines = tuple((kind, count, rate) for kind, count, rate in counted)
    lines = _at_rates_of(prices.tariff(model, billed_at(bill), service), stored_lines)
    return Repriced(model.id, service, stored, price_of(lines), stored_lines, lines)


def _at_rates_of(tariff: Tariff, lines: Sequence[Line]) -> tuple[Line, ...]:
    card = tariff.card_for(sum(count for kind, count, _ in lines if kind in INPUT_KINDS))
    return tuple((kind, count, getattr(card, kind)) for kind, count, _ in lines)
