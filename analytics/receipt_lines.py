"""What a receipt's amounts are the sum of: so much of a kind, at such a rate, and nothing else.

A line is exact to a millionth of a nano-dollar. A sum is charged in whole nano-dollars, rounded half up once: the
difference is a line of its own, so that the lines add up to the amount to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from analytics.models import LedgerEntry
from analytics.receipts import Receipt

ROUNDING = "rounding"
ESTIMATE = "estimate"
ADJUSTMENT = "adjustment"
UNATTRIBUTED = "unattributed"
STANDARD = "standard"

_SEARCH = "_search"


@dataclass(frozen=True, slots=True)
class LineItem:
    """`rate` is USD for `per` units; `amount` is USD. A sum's rounding, and an estimate, have no count and no rate."""

    item: str
    amount: Decimal
    count: int | None = None
    unit: str = ""
    rate: Decimal | None = None
    per: int | None = None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A receipt's bill, as whoever wrote the latest row had it. Empty lines and parts say that nothing was charged."""

    lines: tuple[LineItem, ...]
    original_lines: tuple[LineItem, ...]
    parts: tuple[tuple[str, int], ...]
    service: str
    original_service: str
    priced_at_ms: int | None


def break_down(receipt: Receipt) -> Breakdown:
    row = receipt.latest
    bill: dict[str, Any] = row.receipt.get("bill", {})
    cost, original = receipt.net("cost_nano"), receipt.net("original_cost_nano")
    lines = bill.get("lines", ())
    service = bill.get("service", "")
    return Breakdown(
        lines=line_items(lines, cost, row.kind),
        original_lines=line_items(bill.get("original_lines", lines), original, row.kind),
        parts=_parts(bill, original - cost),
        service=service or STANDARD,
        original_service=bill.get("original_service", service) or STANDARD,
        priced_at_ms=bill.get("at_ms"),
    )


def line_items(lines: Sequence[tuple[str, int, int]], total_nano: int, kind: str) -> tuple[LineItem, ...]:
    """They add up to the total. `lines` are what was used, how much, and nano-USD per million."""
    items = tuple(_line_item(*line) for line in lines)
    rest = Decimal(total_nano).scaleb(-9) - sum((item.amount for item in items), Decimal(0))
    if not rest:
        return items
    if items and abs(rest) < Decimal("1e-9"):
        return (*items, LineItem(ROUNDING, rest))
    return (*items, LineItem(ESTIMATE if kind == LedgerEntry.Kind.ESTIMATE else ADJUSTMENT, rest))


def _line_item(item: str, count: int, rate: int) -> LineItem:
    amount = (Decimal(count) * rate).scaleb(-15)
    if item.endswith(_SEARCH):
        return LineItem(item, amount, count, "search", Decimal(rate).scaleb(-12), 1_000)
    return LineItem(item, amount, count, "token", Decimal(rate).scaleb(-9), 1_000_000)


def _parts(bill: dict[str, Any], saved: int) -> tuple[tuple[str, int], ...]:
    """They add up to what was saved before Asahi's own spend."""
    parts = tuple((name, nano) for name, nano in bill.get("parts", ()))
    rest = saved - sum(nano for _, nano in parts)
    return (*parts, (UNATTRIBUTED, rest)) if rest else parts
