"""What a measurement of T2 comes to: precision, recall, false accepts, errors and latency of all that was asked.

- `precision`: right hits among hits. `recall`: right hits among questions that had an answer in the cache.
- `false_accept_rate`: hits among questions that had none. `hit_rate` and `error_rate`: hits, and wrong hits, among all.
- A figure that nothing stands behind (no hit, no such question) is null.
Several files are pooled: their questions are counted together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from caching.fidelity import Asked


@dataclass(frozen=True, slots=True)
class Shares:
    """The figures of one category, or of all."""

    rows: int
    precision: float | None
    recall: float | None
    false_accept_rate: float | None
    hit_rate: float
    error_rate: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figures of everything, latencies in milliseconds, and the figures by category."""

    total: Shares
    p50_ms: float
    p95_ms: float
    by_category: dict[str, Shares]


def summarize(asked: Sequence[Asked]) -> Measurement:
    """At least one question must have been asked."""
    times = sorted(one.milliseconds for one in asked)
    categories: dict[str, list[Asked]] = {}
    for one in asked:
        categories.setdefault(one.category, []).append(one)
    return Measurement(
        total=_shares(asked),
        p50_ms=round(times[len(times) // 2], 3),
        p95_ms=round(times[min(len(times) - 1, int(len(times) * 0.95))], 3),
        by_category={name: _shares(members) for name, members in sorted(categories.items())},
    )


def to_json(measurement: Measurement) -> str:
    """One object, in one line."""
    by_category = {name: asdict(shares) for name, shares in measurement.by_category.items()}
    times = {"p50_ms": measurement.p50_ms, "p95_ms": measurement.p95_ms}
    return json.dumps(asdict(measurement.total) | times | {"by_category": by_category})


def _shares(asked: Sequence[Asked]) -> Shares:
    hits = sum(one.hit for one in asked)
    right = sum(one.right for one in asked)
    answerable = sum(one.answerable for one in asked)
    accepted = sum(one.hit for one in asked if not one.answerable)
    return Shares(
        rows=len(asked),
        precision=_share(right, hits),
        recall=_share(right, answerable),
        false_accept_rate=_share(accepted, len(asked) - answerable),
        hit_rate=round(hits / len(asked), 4),
        error_rate=round((hits - right) / len(asked), 4),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
