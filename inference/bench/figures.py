"""What is measured, what it must reach and what it should, and whether it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Verdict = Literal["goal", "must", "missed", ""]


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity the benchmark knows. Without `must` and `goal` it is only shown."""

    key: str
    label: str
    unit: str
    must: float | None = None
    goal: float | None = None
    higher_is_better: bool = False

    def judge(self, value: float) -> Verdict:
        """Whether a value reaches the goal, only what it must, or neither."""
        if self.goal is not None and self._reaches(value, self.goal):
            return "goal"
        if self.must is None:
            return ""
        return "must" if self._reaches(value, self.must) else "missed"

    def _reaches(self, value: float, bound: float) -> bool:
        return value >= bound if self.higher_is_better else value <= bound


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of a measure over its rounds; `direct` is the same without the gateway, measured in between them."""

    measure: Measure
    value: float
    rounds: tuple[float, ...]
    direct: float | None = None

    @classmethod
    def of(cls, measure: Measure, rounds: Sequence[float], direct: Sequence[float] = ()) -> Figure:
        return cls(measure, median(rounds), tuple(rounds), median(direct) if direct else None)

    @property
    def verdict(self) -> Verdict:
        return self.measure.judge(self.value)


HIT_RATE = Measure("t1_hit_per_second", "T1 hit, 32 connections", "requests/s", 4_000, 8_000, higher_is_better=True)
HIT_CPU = Measure("t1_hit_cpu_us", "T1 hit, CPU per request", "µs", 240, 120)
MISS_RATE = Measure("miss_per_second", "miss, 32 connections", "requests/s", 2_000, 7_800, higher_is_better=True)
MISS_CPU = Measure("miss_cpu_us", "miss, CPU per request", "µs", 400, 120)
HIT_BUSY = Measure("t1_hit_core_percent", "T1 hit, use of the gateway's core", "%")
MISS_BUSY = Measure("miss_core_percent", "miss, use of the gateway's core", "%")
ADDED_P50 = Measure("added_p50_ms", "added latency at 500 requests/s, p50", "ms", 1.5, 0.9)
ADDED_P95 = Measure("added_p95_ms", "added latency at 500 requests/s, p95", "ms", 3.0, 1.5)
ADDED_P99 = Measure("added_p99_ms", "added latency at 500 requests/s, p99", "ms", 5.0, 2.0)
FIRST_BYTE = Measure("stream_added_first_byte_ms", "stream, added first byte, p50 of 4", "ms", 3.0, 1.2)
CHUNK_CPU = Measure("stream_chunk_cpu_us", "stream, CPU per chunk, 32 streams", "µs", 80, 30)
ADMISSION_P50 = Measure("admission_p50_ms", "admission with the read of T1, p50", "ms")
ADMISSION_P95 = Measure("admission_p95_ms", "admission with the read of T1, p95", "ms", 1.0)
T2_SEARCH_P50 = Measure("t2_search_p50_ms", "T2, search of the store alone, p50", "ms", 3.0)
T2_SEARCH_P95 = Measure("t2_search_p95_ms", "T2, search of the store alone, p95", "ms", 10.0)
T2_RECALL = Measure("t2_recall", "T2, nearest found is nearest there is", "", 0.99, higher_is_better=True)
T2_HIT_P50 = Measure("t2_hit_p50_ms", "T2 hit with its embedding, p50", "ms", 6.0, 3.0)
T2_HIT_P95 = Measure("t2_hit_p95_ms", "T2 hit with its embedding, p95", "ms", 15.0, 6.0)
T2_HIT_SHARE = Measure("t2_hit_share", "T2, other wordings that it answers", "", 0.85, higher_is_better=True)
T2_HIT_CPU = Measure("t2_hit_cpu_ms", "T2 hit with its embedding, CPU per request", "ms")
MEMORY = Measure("memory_mb", "memory after all requests", "MB", 200, 120)
MEMORY_GROWTH = Measure("memory_growth_percent", "memory growth over the last half", "%", 5)
SCALING = Measure("two_workers_cpu", "two workers against one, by CPU per request", "×", 1.8, higher_is_better=True)
SCALING_WALL = Measure("two_workers_rate", "two workers against one, by requests/s", "×", 1.8, higher_is_better=True)
