"""What the caches are worth to one organization, and what they risk: per tier, over a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from analytics import decisions, queries
from analytics.decisions import Reasons
from analytics.figures import Sums
from caching.purging import Holdings, holdings
from caching.realised import ErrorShare, RealisedError, judged_by_people, realised_error

TIERS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class TierPerformance:
    """`share` is that of all requests which this tier answered; None where there were none. `tokens` are those that no
    provider was paid for. `held` is what is kept now, None when it cannot be counted."""

    tier: int
    sums: Sums
    share: float | None
    held: Holdings | None
    judged: ErrorShare

    @property
    def tokens(self) -> int:
        return self.sums.input_tokens + self.sums.output_tokens


@dataclass(frozen=True, slots=True)
class CachePerformance:
    totals: Sums
    tiers: tuple[TierPerformance, ...]
    error: RealisedError
    reasons: Reasons


def cache_performance(
    org_id: UUID | str, since: datetime, until: datetime, filters: queries.Filters = queries.EVERYTHING
) -> CachePerformance:
    """Hits and money from the rollups; the error from labels and feedback; reasons from the latest receipts."""
    totals = queries.totals(org_id, since, until, filters)
    by_tier = {tier.tier: tier.sums for tier in queries.by_tier(org_id, since, until, filters)}
    held, judged = holdings(org_id), judged_by_people(org_id, since, until)
    tiers = tuple(
        TierPerformance(
            tier,
            by_tier[tier],
            by_tier[tier].requests / totals.requests if totals.requests else None,
            held.get(f"t{tier}"),
            judged.get(tier, ErrorShare(0, 0)),
        )
        for tier in TIERS
    )
    return CachePerformance(totals, tiers, realised_error(org_id), decisions.reasons(org_id, since, until, filters))
