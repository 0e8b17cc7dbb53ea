"""The analytics API: an organization's figures and receipts, and the operator's metrics.

`router` needs the scope analytics, `receipts` the scope infer; whoever mounts them gives each its `auth`, which must
leave the caller's `Principal` in `request.auth`. `operator` brings its own: the operator's token.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from ninja.errors import HttpError
from ninja.security import HttpBearer

from analytics import prometheus, queries
from analytics.backlog import Backlog
from analytics.cache_performance import cache_performance
from analytics.cache_schemas import CachePerformanceOut
from analytics.cache_size import t1_entries
from analytics.figures import Sums
from analytics.receipt_schemas import ReceiptInProgress, ReceiptOut
from analytics.receipts import InProgress, find_receipt
from analytics.schemas import (
    BreakdownParams,
    CostBreakdown,
    CostSummary,
    Figures,
    FilterParams,
    Metrics,
    Part,
    PeriodParams,
    RecentInference,
    RecentParams,
    Span,
    TrendPoint,
    Trends,
    percent,
    share,
    usd,
    usd_exact,
)
from analytics.stream import connect
from analytics.windows import Window, window_of

router = Router(tags=["Analytics"])
receipts = Router(tags=["Receipts"])
operator = Router(tags=["Operations"])

_STARTED = time.monotonic()
_NOT_FOUND = "No such request. A request that has just been answered may take a moment to be recorded; try again then."

# What OpenAPI says beyond what the types do. An error's shape is added with the document.
_UNREASONABLE: dict[str, Any] = {"responses": {422: {}}}
_UNKNOWN: dict[str, Any] = {"responses": {404: {}}}
_METRICS = {prometheus.CONTENT_TYPE: {"schema": {"type": "string"}}}
_TEXT: dict[str, Any] = {"responses": {200: {"description": "Prometheus's text format", "content": _METRICS}}}

P = ParamSpec("P")
R = TypeVar("R")


def _bounded(view: Callable[P, R]) -> Callable[P, R]:
    """Says what to do when the ledger would have to be read for too long."""

    @wraps(view)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return view(*args, **kwargs)
        except queries.RangeTooWideError as error:
            raise HttpError(422, "too many requests to add up: choose a shorter period or fewer filters") from error

    return bounded


class OperatorToken(HttpBearer):
    """`Authorization: Bearer <ASAHI_ADMIN_SECRET>`. Without such a secret nobody is an operator."""

    def authenticate(self, request: HttpRequest, token: str) -> bool:
        del request
        secret: str = settings.ASAHI.admin_secret.get_secret_value()
        return bool(secret) and hmac.compare_digest(token.encode(), secret.encode())


@router.get("/metrics", response=Metrics)
def metrics(request: HttpRequest) -> Metrics:
    """An organization's totals since it began, and its latest requests."""
    org_id = _org_id(request)
    sums = queries.totals(org_id)
    tiers = {tier.tier: tier.sums.requests for tier in queries.by_tier(org_id)}
    return Metrics(
        requests=sums.requests,
        total_cost=usd(sums.cost_nano),
        total_cost_savings=usd(sums.savings_nano),
        average_cost_savings_percent=percent(sums.savings_share),
        cache_hit_rate=share(sums.hit_share),
        cache_size=t1_entries(_redis(), org_id),
        cache_cost_saved=usd(sums.cache_saved_nano),
        avg_quality=sums.avg_quality,
        routing_mode_distribution={
            part.name: part.sums.requests for part in queries.breakdown(org_id, "routing_mode") if part.sums.requests
        },
        recent_inferences=[RecentInference.of(inference) for inference in queries.recent(org_id, limit=10)],
        uptime_seconds=round(time.monotonic() - _STARTED, 3),
        **_tier_figures(tiers, sums),
    )


@router.get("/analytics/cost-summary", response=CostSummary, openapi_extra=_UNREASONABLE)
@_bounded
def cost_summary(request: HttpRequest, params: Query[PeriodParams]) -> CostSummary:
    """What a period cost and saved, by model and by task."""
    org_id, window = _org_id(request), _window(request, params)
    sums = queries.totals(org_id, window.since, window.until, params.filters)
    return CostSummary(
        period=_span(window),
        total_requests=sums.requests,
        total_cost=usd(sums.cost_nano),
        total_cost_exact=usd_exact(sums.cost_nano),
        total_cost_original=usd(sums.original_cost_nano),
        total_cost_savings=usd(sums.savings_nano),
        cost_savings_percent=percent(sums.savings_share),
        cache_hit_rate=share(sums.hit_share),
        cache_cost_saved=usd(sums.cache_saved_nano),
        avg_quality=sums.avg_quality,
        by_model=_parts(org_id, "model", window, params),
        by_task=_parts(org_id, "task", window, params),
    )


@router.get("/analytics/recent-inferences", response=list[RecentInference], openapi_extra=_UNREASONABLE)
@_bounded
def recent_inferences(request: HttpRequest, params: Query[RecentParams]) -> list[RecentInference]:
    """The newest requests, newest first."""
    _refuse_unknown(request, RecentParams)
    found = queries.recent(_org_id(request), limit=params.limit, filters=params.filters)
    return [RecentInference.of(inference) for inference in found]


@router.get("/analytics/trends", response=Trends, openapi_extra=_UNREASONABLE)
@_bounded
def trends(request: HttpRequest, params: Query[PeriodParams]) -> Trends:
    """Every hour or day of a period."""
    org_id, window = _org_id(request), _window(request, params)
    buckets = queries.trends(org_id, window.since, window.until, grain=window.grain, filters=params.filters)
    return Trends(period=_span(window), interval=window.grain, points=[TrendPoint.of(bucket) for bucket in buckets])


@router.get("/analytics/cost-breakdown", response=CostBreakdown, openapi_extra=_UNREASONABLE)
@_bounded
def cost_breakdown(request: HttpRequest, params: Query[BreakdownParams]) -> CostBreakdown:
    """A period's figures by one dimension. A request with several tags counts under each; `total` counts it once."""
    org_id, window = _org_id(request), _window(request, params)
    sums = queries.totals(org_id, window.since, window.until, params.filters)
    return CostBreakdown(
        period=_span(window),
        group_by=params.group_by,
        total=Figures(**Figures.values_of(sums)),
        parts=_parts(org_id, params.dimension, window, params),
    )


@router.get("/analytics/cache-performance", response=CachePerformanceOut, openapi_extra=_UNREASONABLE)
@_bounded
def cache_performance_of(request: HttpRequest, params: Query[PeriodParams]) -> CachePerformanceOut:
    """What each cache answered and saved, how often answers by meaning are wrong, and why others were not given."""
    window = _window(request, params)
    found = cache_performance(_org_id(request), window.since, window.until, params.filters)
    return CachePerformanceOut.of(found, window)


@receipts.get("/v1/receipts/{request_id}", response=ReceiptOut | ReceiptInProgress, openapi_extra=_UNKNOWN)
def receipt(request: HttpRequest, request_id: str) -> ReceiptOut | ReceiptInProgress:
    """What one request cost and why."""
    found = find_receipt(_org_id(request), request_id)
    if found is None:
        raise HttpError(404, _NOT_FOUND)
    return ReceiptInProgress.of(found) if isinstance(found, InProgress) else ReceiptOut.of(found)


@operator.get("/analytics/prometheus", auth=OperatorToken(), response={200: None}, openapi_extra=_TEXT)
def prometheus_text(request: HttpRequest) -> HttpResponse:
    """Every process's figures in Prometheus's text format."""
    del request
    backlog = Backlog(_redis(), settings.ASAHI.ledger.stream)
    return HttpResponse(prometheus.exposition(backlog), content_type=prometheus.CONTENT_TYPE)


def _org_id(request: HttpRequest) -> str:
    """The one organization this caller may see."""
    org_id: str = request.auth.org_id  # type: ignore[attr-defined]
    return org_id


def _window(request: HttpRequest, params: PeriodParams) -> Window:
    _refuse_unknown(request, type(params))
    try:
        return window_of(params.period, start=params.start, end=params.end, now=timezone.now())
    except ValueError as error:
        raise HttpError(422, str(error)) from error


def _refuse_unknown(request: HttpRequest, schema: type[FilterParams]) -> None:
    """A misspelt filter must not silently widen the answer."""
    unknown = sorted(set(request.GET) - set(schema.model_fields))
    if unknown:
        raise HttpError(422, f"unknown parameter: {', '.join(unknown)}")


def _span(window: Window) -> Span:
    return Span(start=window.since, end=window.until)


def _parts(org_id: str, by: queries.Dimension, window: Window, params: FilterParams) -> list[Part]:
    return [Part.of(part) for part in queries.breakdown(org_id, by, window.since, window.until, params.filters)]


def _tier_figures(hits: dict[int, int], sums: Sums) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for tier in (1, 2, 3):
        figures[f"tier{tier}_hits"] = hits[tier]
        figures[f"tier{tier}_hit_rate"] = round(hits[tier] / sums.requests, 6) if sums.requests else 0.0
    return figures


@cache
def _redis() -> redis.Redis:
    return connect(settings.REDIS_URL, timeout=0.5)
