"""The dashboard: what one organization spent and saved over a range, and its latest requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from analytics import queries
from analytics.charts import CostChart, cost_chart
from analytics.figures import Inference, Sums, TierSums
from analytics.periods import PERIODS, Period, period_named
from governance.middleware import WorkspaceRequest, member_required

LIVE_SOCKET_PATH = "/ws/live"
RECENT_ROWS = 20
ALWAYS_SHOWN = (0, 1)


@dataclass(frozen=True, slots=True)
class TierRow:
    """One tier's part of the traffic. `share_width` is its share of the requests, in per cent."""

    tier: int
    sums: Sums
    share_width: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the dashboard shows of one organization and range, as the ledger and its rollups have it."""

    period: Period
    totals: Sums
    tiers: tuple[TierRow, ...]
    chart: CostChart
    recent: tuple[Inference, ...]


def figures_for(*, org_id: UUID, period: Period, now: datetime | None = None) -> Figures:
    """Reads the figures of one organization. Totals, tiers and chart cover the same buckets, so they add up."""
    since, until = period.bounds(now or timezone.now())
    totals = queries.totals(org_id, since, until)
    return Figures(
        period=period,
        totals=totals,
        tiers=_tier_rows(queries.by_tier(org_id, since, until), totals.requests),
        chart=cost_chart(queries.trends(org_id, since, until, grain=period.grain)),
        recent=tuple(queries.recent(org_id, limit=RECENT_ROWS)),
    )


@require_GET
@never_cache
@member_required
def dashboard(request: WorkspaceRequest) -> HttpResponse:
    """The whole page."""
    return render(request, "analytics/dashboard.html", _context(request))


@require_GET
@never_cache
@member_required
def dashboard_figures(request: WorkspaceRequest) -> HttpResponse:
    """The part of the page that depends on the range, for HTMX."""
    return render(request, "analytics/_dashboard.html", _context(request))


def _context(request: WorkspaceRequest) -> dict[str, Any]:
    period = period_named(request.GET.get("range"))
    return {
        "figures": figures_for(org_id=request.org.pk, period=period),
        "periods": PERIODS,
        "live_socket_path": LIVE_SOCKET_PATH,
    }


def _tier_rows(tiers: Iterable[TierSums], requests: int) -> tuple[TierRow, ...]:
    """A row for the provider and for T1, and for any other tier as soon as it has answered something."""
    shown = (tier for tier in tiers if tier.tier in ALWAYS_SHOWN or tier.sums.requests)
    return tuple(TierRow(tier.tier, tier.sums, _percent(tier.sums.requests, requests)) for tier in shown)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}" if whole else "0"
