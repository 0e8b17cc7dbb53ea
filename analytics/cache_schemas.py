"""The JSON of `/analytics/cache-performance`."""

from __future__ import annotations

from ninja import Field, Schema

from analytics.cache_performance import CachePerformance, TierPerformance
from analytics.schemas import Span, share, usd
from analytics.windows import Window
from caching.realised import ErrorShare, RealisedError


class JudgedOut(Schema):
    """Of `judged` answers `wrong` were wrong. `share_low` and `share_high` are the ends of a 95 % interval."""

    judged: int
    wrong: int
    share: float | None
    share_low: float
    share_high: float
    enough_data: bool

    @classmethod
    def of(cls, found: ErrorShare) -> JudgedOut:
        return cls(
            judged=found.judged,
            wrong=found.wrong,
            share=None if found.share is None else round(found.share, 6),
            share_low=round(found.low, 6),
            share_high=round(found.high, 6),
            enough_data=found.enough,
        )


class TierOut(Schema):
    tier: int
    hits: int
    hit_rate: float = Field(description="Of all requests of the period, 0 to 1")
    tokens_saved: int
    cost_saved: float
    entries: int | None = Field(description="Kept now; null when it cannot be counted")
    bytes: int | None
    feedback: JudgedOut

    @classmethod
    def of(cls, found: TierPerformance) -> TierOut:
        return cls(
            tier=found.tier,
            hits=found.sums.requests,
            hit_rate=round(found.share or 0.0, 6),
            tokens_saved=found.tokens,
            cost_saved=usd(found.sums.savings_nano),
            entries=None if found.held is None else found.held.entries,
            bytes=None if found.held is None else found.held.size,
            feedback=JudgedOut.of(found.judged),
        )


class ErrorOut(Schema):
    """The wrong share of all requests that are looked up by meaning, which `target` bounds: the wrong share
    `of_answers`, times the share `answered`. Null while fewer than 30 answers are known to be right or wrong."""

    enabled: bool
    target: float
    realised: float | None
    realised_low: float | None
    realised_high: float | None
    verdict: str = Field(description="within target, above target, or not enough data")
    of_answers: JudgedOut
    answered: float

    @classmethod
    def of(cls, found: RealisedError) -> ErrorOut:
        known = found.share is not None
        return cls(
            enabled=found.enabled,
            target=found.target,
            realised=None if found.share is None else round(found.share, 6),
            realised_low=round(found.low, 6) if known else None,
            realised_high=round(found.high, 6) if known else None,
            verdict=found.verdict,
            of_answers=JudgedOut.of(found.of_answers),
            answered=round(found.answered, 6),
        )


class CountedReason(Schema):
    tier: str
    reason: str
    count: int


class CountedGuard(Schema):
    tier: str
    guard: str
    count: int


class CachePerformanceOut(Schema):
    period: Span
    requests: int
    hits: int
    hit_rate: float
    cost_saved: float
    tiers: list[TierOut]
    semantic_error: ErrorOut
    looked_at: int = Field(description="The latest requests of the period, from whose receipts the rest is counted")
    miss_reasons: list[CountedReason]
    guards: list[CountedGuard]

    @classmethod
    def of(cls, found: CachePerformance, window: Window) -> CachePerformanceOut:
        why = found.reasons
        return cls(
            period=Span(start=window.since, end=window.until),
            requests=found.totals.requests,
            hits=found.totals.cache_hits,
            hit_rate=share(found.totals.hit_share),
            cost_saved=usd(found.totals.cache_saved_nano),
            tiers=[TierOut.of(tier) for tier in found.tiers],
            semantic_error=ErrorOut.of(found.error),
            looked_at=why.looked_at,
            miss_reasons=[CountedReason(tier=tier, reason=reason, count=count) for tier, reason, count in why.misses],
            guards=[CountedGuard(tier=tier, guard=guard, count=count) for tier, guard, count in why.guards],
        )
