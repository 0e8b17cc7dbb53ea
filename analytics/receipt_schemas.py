"""The JSON of a cost receipt. Each amount stands there twice: as a number, and exactly, as a string."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from ninja import Schema

from analytics.models import LedgerEntry
from analytics.receipt_lines import Breakdown, LineItem, break_down
from analytics.receipts import InProgress, Receipt
from analytics.schemas import percent, usd, usd_exact

_STATUS: dict[str, Literal["final", "estimated"]] = {
    LedgerEntry.Kind.FINAL: "final",
    LedgerEntry.Kind.ESTIMATE: "estimated",
}


class Amounts(Schema):
    """USD. `cost_savings` is the original cost less the cost less what Asahi spent itself."""

    cost: float
    cost_exact: str
    cost_original: float
    cost_original_exact: str
    own_spend: float
    own_spend_exact: str
    cost_savings: float
    cost_savings_exact: str

    @staticmethod
    def values_of(*, cost_nano: int, original_nano: int, own_spend_nano: int) -> dict[str, Any]:
        savings_nano = original_nano - cost_nano - own_spend_nano
        return {
            "cost": usd(cost_nano),
            "cost_exact": usd_exact(cost_nano),
            "cost_original": usd(original_nano),
            "cost_original_exact": usd_exact(original_nano),
            "own_spend": usd(own_spend_nano),
            "own_spend_exact": usd_exact(own_spend_nano),
            "cost_savings": usd(savings_nano),
            "cost_savings_exact": usd_exact(savings_nano),
        }


class Tokens(Schema):
    """`input` includes the cached and the cache-writing ones, `output` the reasoning."""

    input: int
    cached_input: int
    cache_write: int
    output: int
    reasoning: int


class LineItemOut(Schema):
    """`count` units at `rate_exact` USD for `rate_per` of them. The items of a list add up to its amount, exactly; the
    last may be the rounding of the sum to whole nano-USD, half up."""

    item: str
    count: int | None
    unit: str
    rate_exact: str | None
    rate_per: int | None
    amount: float
    amount_exact: str

    @classmethod
    def of(cls, line: LineItem) -> LineItemOut:
        return cls(
            item=line.item,
            count=line.count,
            unit=line.unit,
            rate_exact=None if line.rate is None else f"{line.rate.normalize():f}",
            rate_per=line.per,
            amount=float(line.amount),
            amount_exact=f"{line.amount:.15f}",
        )


class SavingOut(Schema):
    """What one technique took off the original cost, in USD; negative when it added to it."""

    technique: str
    amount: float
    amount_exact: str


class ReceiptRow(Amounts):
    """One row of the ledger as it was written. A correction's figures are what it adds to the estimate."""

    kind: str
    recorded_at: datetime
    outcome: str
    price_version: str
    tokens: Tokens
    details: dict[str, Any]

    @classmethod
    def of(cls, row: LedgerEntry) -> ReceiptRow:
        return cls(
            kind=row.kind,
            recorded_at=row.recorded_at,
            outcome=row.outcome,
            price_version=row.price_version,
            tokens=Tokens(
                input=row.input_tokens,
                cached_input=row.cached_input_tokens,
                cache_write=row.cache_write_tokens,
                output=row.output_tokens,
                reasoning=row.reasoning_tokens,
            ),
            details=row.receipt,
            **cls.values_of(
                cost_nano=row.cost_nano, original_nano=row.original_cost_nano, own_spend_nano=row.own_spend_nano
            ),
        )


class ReceiptOut(Amounts):
    """What a request cost and why, net of all its rows.

    `line_items` add up to the cost and `line_items_original` to the original cost; `savings_by_technique`, less
    `own_spend`, to the savings. `stages` says what each stage did or why it did nothing, `evidence` what that rests on.
    """

    request_id: str
    status: Literal["final", "estimated", "corrected"]
    timestamp: datetime
    model_requested: str
    model_used: str
    provider: str
    baseline_model: str
    cache_hit: bool
    cache_tier: int
    routing_mode: str
    routing_reason: str
    outcome: str
    http_status: int
    cost_savings_percent: float
    tokens: Tokens
    usage_estimated: bool
    optimization_techniques: list[str]
    tokens_saved: int
    quality_score: float | None
    latency_ms: int
    price_version: str
    priced_at: datetime | None
    service_tier: str
    service_tier_original: str
    line_items: list[LineItemOut]
    line_items_original: list[LineItemOut]
    savings_by_technique: list[SavingOut]
    runners_up: list[str]
    stages: dict[str, str]
    evidence: dict[str, Any]
    tags: list[str]
    user: str
    task: str
    rows: list[ReceiptRow]

    @classmethod
    def of(cls, receipt: Receipt) -> ReceiptOut:
        charge, latest = receipt.charge, receipt.latest
        original_nano = receipt.net("original_cost_nano")
        return cls(
            request_id=receipt.request_id,
            status="corrected" if receipt.correction else _STATUS[charge.kind],
            timestamp=charge.started_at,
            cache_hit=charge.tier > 0,
            cache_tier=charge.tier,
            model_requested=charge.requested_model,
            model_used=charge.model,
            http_status=latest.status,
            quality_score=latest.quality,
            cost_savings_percent=percent(Decimal(receipt.savings_nano) / original_nano if original_nano else None),
            tokens=_net_tokens(receipt),
            optimization_techniques=latest.techniques,
            tokens_saved=receipt.net("tokens_saved"),
            latency_ms=receipt.net("latency_ms"),
            tags=charge.tags,
            user=charge.end_user,
            runners_up=latest.receipt.get("runners_up", []),
            stages=latest.receipt.get("stages", {}),
            evidence=latest.receipt.get("evidence", {}),
            rows=[ReceiptRow.of(row) for row in receipt.rows],
            **_broken_down(break_down(receipt)),
            **{name: getattr(charge, name) for name in ("provider", "routing_mode", "task")},
            **{name: getattr(latest, name) for name in _LATEST},
            **cls.values_of(
                cost_nano=receipt.net("cost_nano"),
                original_nano=original_nano,
                own_spend_nano=receipt.net("own_spend_nano"),
            ),
        )


_LATEST = ("baseline_model", "routing_reason", "outcome", "usage_estimated", "price_version")


class ReceiptInProgress(Schema):
    """The provider was called and has not finished; `estimate` is the most that is held for it, in USD."""

    request_id: str
    status: Literal["in_progress"] = "in_progress"
    timestamp: datetime
    model_used: str
    estimate: float
    estimate_exact: str

    @classmethod
    def of(cls, call: InProgress) -> ReceiptInProgress:
        return cls(
            request_id=call.request_id,
            timestamp=call.started_at,
            model_used=call.model,
            estimate=usd(call.estimate_nano),
            estimate_exact=usd_exact(call.estimate_nano),
        )


def _broken_down(found: Breakdown) -> dict[str, Any]:
    priced_at = None if found.priced_at_ms is None else datetime.fromtimestamp(found.priced_at_ms / 1000, UTC)
    return {
        "priced_at": priced_at,
        "service_tier": found.service,
        "service_tier_original": found.original_service,
        "line_items": [LineItemOut.of(line) for line in found.lines],
        "line_items_original": [LineItemOut.of(line) for line in found.original_lines],
        "savings_by_technique": [
            SavingOut(technique=name, amount=usd(nano), amount_exact=usd_exact(nano)) for name, nano in found.parts
        ],
    }


def _net_tokens(receipt: Receipt) -> Tokens:
    return Tokens(
        input=receipt.net("input_tokens"),
        cached_input=receipt.net("cached_input_tokens"),
        cache_write=receipt.net("cache_write_tokens"),
        output=receipt.net("output_tokens"),
        reasoning=receipt.net("reasoning_tokens"),
    )
