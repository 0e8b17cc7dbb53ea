"""The JSON of the analytics API. Only here does an amount become a float: USD, rounded once, from exact integers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from ninja import Field, Schema

from analytics.figures import Bucket, Inference, Slice, Sums
from analytics.queries import Dimension, Filters
from analytics.windows import PeriodName

NANO_PER_USD = 10**9


def usd(nano: int) -> float:
    """The nearest float to an exact amount."""
    return nano / NANO_PER_USD


def usd_exact(nano: int) -> str:
    """An amount to the last nano-USD."""
    return f"{Decimal(nano).scaleb(-9):.9f}"


def percent(share: Decimal | None) -> float:
    """A share as per cent with four decimals; nothing saved of nothing is 0."""
    return 0.0 if share is None else float(round(share * 100, 4))


def share(of: Decimal | None) -> float:
    return 0.0 if of is None else float(round(of, 6))


class FilterParams(Schema):
    """Which requests count; all that are given must fit."""

    key: UUID | None = Field(None, description="An API key's id")
    model: str | None = None
    provider: str | None = None
    tag: str | None = None
    tier: int | None = Field(None, ge=0, le=3, description="0: a provider answered; 1 to 3: a cache did")
    task: str | None = None
    mode: Literal["autopilot", "guided", "explicit"] | None = None
    user: str | None = Field(None, description="The end user named by the caller")

    @property
    def filters(self) -> Filters:
        return Filters(
            key_id=self.key,
            model=self.model,
            provider=self.provider,
            tag=self.tag,
            tier=self.tier,
            task=self.task,
            routing_mode=self.mode,
            end_user=self.user,
        )


class PeriodParams(FilterParams):
    period: PeriodName = "30d"
    start: datetime | None = Field(None, description="With period=custom; ISO 8601, UTC unless it says otherwise")
    end: datetime | None = Field(None, description="With period=custom; now when left out")


class BreakdownParams(PeriodParams):
    group_by: Literal["model", "provider", "key", "tag", "tier", "task", "mode", "user"] = "model"

    @property
    def dimension(self) -> Dimension:
        return "routing_mode" if self.group_by == "mode" else self.group_by


class RecentParams(FilterParams):
    limit: int = Field(20, ge=1, le=200)


class Span(Schema):
    """The time an answer covers: whole hours or days, in UTC."""

    start: datetime
    end: datetime


class Figures(Schema):
    """Sums over requests. Money is USD, savings are net of what Asahi spent itself."""

    requests: int
    errors: int
    cache_hits: int
    cache_hit_rate: float
    cost: float
    cost_original: float
    cost_savings: float
    cost_savings_percent: float
    cache_cost_saved: float
    tokens_input: int
    tokens_output: int
    tokens_cached: int
    tokens_saved: int
    avg_latency_ms: float | None
    avg_quality: float | None

    @staticmethod
    def values_of(sums: Sums) -> dict[str, Any]:
        return {
            "requests": sums.requests,
            "errors": sums.errors,
            "cache_hits": sums.cache_hits,
            "cache_hit_rate": share(sums.hit_share),
            "cost": usd(sums.cost_nano),
            "cost_original": usd(sums.original_cost_nano),
            "cost_savings": usd(sums.savings_nano),
            "cost_savings_percent": percent(sums.savings_share),
            "cache_cost_saved": usd(sums.cache_saved_nano),
            "tokens_input": sums.input_tokens,
            "tokens_output": sums.output_tokens,
            "tokens_cached": sums.cached_input_tokens,
            "tokens_saved": sums.tokens_saved,
            "avg_latency_ms": sums.avg_latency_ms,
            "avg_quality": sums.avg_quality,
        }


class Part(Figures):
    """The requests that share a value of the dimension, such as one model's. `name` is empty where there is none."""

    name: str

    @classmethod
    def of(cls, part: Slice) -> Part:
        return cls(name=part.name, **cls.values_of(part.sums))


class TrendPoint(Figures):
    start: datetime

    @classmethod
    def of(cls, bucket: Bucket) -> TrendPoint:
        return cls(start=bucket.starts_at, **cls.values_of(bucket.sums))


class RecentInference(Schema):
    request_id: str
    model_used: str
    model_requested: str
    provider: str
    cost: float
    cost_original: float
    cost_savings: float
    cache_hit: bool
    cache_tier: int
    routing_mode: str
    routing_reason: str
    outcome: str
    tokens_input: int
    tokens_output: int
    tags: list[str]
    user: str
    task: str
    latency_ms: int
    timestamp: datetime

    @classmethod
    def of(cls, inference: Inference) -> RecentInference:
        return cls(
            request_id=inference.request_id,
            model_used=inference.model,
            model_requested=inference.requested_model,
            provider=inference.provider,
            cost=usd(inference.cost_nano),
            cost_original=usd(inference.original_cost_nano),
            cost_savings=usd(inference.savings_nano),
            cache_hit=inference.cache_hit,
            cache_tier=inference.tier,
            routing_mode=inference.routing_mode,
            routing_reason=inference.routing_reason,
            outcome=inference.outcome,
            tokens_input=inference.input_tokens,
            tokens_output=inference.output_tokens,
            tags=list(inference.tags),
            user=inference.end_user,
            task=inference.task,
            latency_ms=inference.latency_ms,
            timestamp=inference.started_at,
        )


class CostSummary(Schema):
    period: Span
    total_requests: int
    total_cost: float
    total_cost_exact: str = Field(description="The same amount to the last nano-USD")
    total_cost_original: float
    total_cost_savings: float
    cost_savings_percent: float
    cache_hit_rate: float
    cache_cost_saved: float
    avg_quality: float | None
    by_model: list[Part]
    by_task: list[Part]


class CostBreakdown(Schema):
    period: Span
    group_by: str
    total: Figures
    parts: list[Part]


class Trends(Schema):
    period: Span
    interval: Literal["hour", "day"]
    points: list[TrendPoint]


class Metrics(Schema):
    """An organization's totals since it began."""

    requests: int
    total_cost: float
    total_cost_savings: float
    average_cost_savings_percent: float
    cache_hit_rate: float
    tier1_hit_rate: float
    tier2_hit_rate: float
    tier3_hit_rate: float
    tier1_hits: int
    tier2_hits: int
    tier3_hits: int
    cache_size: int | None = Field(description="Answers kept in T1; null when they cannot be counted right now")
    cache_cost_saved: float
    avg_quality: float | None
    routing_mode_distribution: dict[str, int]
    recent_inferences: list[RecentInference]
    uptime_seconds: float
