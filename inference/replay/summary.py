"""What a run amounts to, pass by pass: cost, savings, hits, latency, accuracy. Sums of receipts, nothing estimated."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inference.replay.grading import wilson_interval
from inference.replay.runner import Mode, Pass
from inference.replay.state import Done
from inference.replay.workload import Workload

TIERS = ("t1", "t2", "t3")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The mean recorded score of the answers, its 95 % interval, and how many hits were another question's answer."""

    value: float
    low: float
    high: float
    graded: int


@dataclass(frozen=True, slots=True)
class Slice:
    """The answers of one pass, or of one file in it. `strong_nano` is what an uncached all-strong pass costs for them.

    `hits` counts answers by tier, `models` by model; `wrong_hits` are answers from a cache that are not the question's
    own. Failed requests are counted, and part of no other figure but `lost_nano`, what was charged for them.
    """

    answered: int
    failed: int
    retries: int
    cost_nano: int
    original_nano: int
    lost_nano: int
    strong_nano: int | None
    hits: Mapping[str, int]
    wrong_hits: int
    models: Mapping[str, int]
    errors: Mapping[str, int]
    p50_ms: float | None
    p95_ms: float | None
    accuracy: Accuracy | None

    @property
    def saved_share(self) -> float | None:
        """Against what the caller asked for: the receipts' own saving."""
        return share_saved(self.cost_nano, self.original_nano)

    @property
    def saved_against_strong(self) -> float | None:
        return None if self.strong_nano is None else share_saved(self.cost_nano, self.strong_nano)


@dataclass(frozen=True, slots=True)
class PassSummary:
    current: Pass
    total: Slice
    by_source: tuple[Slice, ...]


def share_saved(cost_nano: int, baseline_nano: int) -> float | None:
    """The part of the baseline that was not spent; None when the baseline is nothing."""
    return 1 - cost_nano / baseline_nano if baseline_nano else None


def summarize(
    workload: Workload, passes: Sequence[Pass], done: Mapping[tuple[int, int], Done], *, graded: bool
) -> list[PassSummary]:
    """One summary a pass, in order. `graded` is False when recorded outcomes cannot be replayed."""
    strong = _price_all_strong(passes, done)
    indexes = range(len(workload.items))
    summaries = []
    for current in passes:
        rows = [row for index in indexes if (row := done.get((current.step, index)))]
        by_source = [
            slice_of([row for row in rows if workload.items[row.item].source == source], strong, graded=graded)
            for source in range(len(workload.sources))
        ]
        summaries.append(PassSummary(current, slice_of(rows, strong, graded=graded), tuple(by_source)))
    return summaries


def _price_all_strong(passes: Sequence[Pass], done: Mapping[tuple[int, int], Done]) -> dict[int, int]:
    """Each question's original cost in the first pass that named the strong model: the baseline, cached or not."""
    prices: dict[int, int] = {}
    for current in passes:
        if current.mode is Mode.STRONG:
            for (step, item), row in done.items():
                if step == current.step and not row.error:
                    prices.setdefault(item, row.original_nano)
    return prices


def slice_of(rows: Sequence[Done], strong: Mapping[int, int], *, graded: bool) -> Slice:
    """Sums over some rows of one pass. The strong baseline is only given when it is known for every answer."""
    answered = [row for row in rows if not row.error]
    latencies = sorted(row.latency_ms for row in answered)
    baseline = [strong.get(row.item) for row in answered]
    known = [price for price in baseline if price is not None]
    return Slice(
        answered=len(answered),
        failed=len(rows) - len(answered),
        retries=sum(row.retries for row in rows),
        cost_nano=sum(row.cost_nano for row in answered),
        original_nano=sum(row.original_nano for row in answered),
        lost_nano=sum(row.lost_nano for row in rows),
        strong_nano=sum(known) if known and len(known) == len(baseline) else None,
        hits=Counter(row.tier for row in answered if row.tier in TIERS),
        wrong_hits=sum(row.tier in TIERS and not row.is_own for row in answered) if graded else 0,
        models=Counter(row.model for row in answered),
        errors=Counter(row.error for row in rows if row.error),
        p50_ms=percentile(latencies, 0.50),
        p95_ms=percentile(latencies, 0.95),
        accuracy=_accuracy(answered) if graded else None,
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile of ordered figures: one that was really measured. None when there are none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _accuracy(rows: Sequence[Done]) -> Accuracy | None:
    scores = [row.score for row in rows if row.score is not None]
    if not scores:
        return None
    low, high = wilson_interval(sum(scores), len(scores))
    return Accuracy(sum(scores) / len(scores), low, high, len(scores))
