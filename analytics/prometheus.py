"""What Prometheus scrapes: figures of the hot path, right over any number of processes, without a label per customer.

With `PROMETHEUS_MULTIPROC_DIR` in the environment before Python starts, every process keeps its figures in files of
that directory and a scrape of any one of them adds all up. `prepare_directory` empties it, once, before they start.

Writing those files costs 20 µs an answer. So an answer is counted in plain numbers (0.6 µs) which are written a few
times a second; a killed process takes up to `FLUSH_SECONDS` of its figures with it, and the ledger still has them.
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left
from collections import defaultdict
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from analytics.domain import UsageEvent

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FLUSH_SECONDS = 0.25
NANO = 1e-9
_TIERS = ("miss", "t1", "t2", "t3")
_LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_OVERHEAD_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)

REQUESTS = Counter("asahi_requests", "Answered requests.", ["wire", "tier", "outcome"])
LATENCY = Histogram(
    "asahi_request_seconds", "Seconds from arrival to the end of the answer.", ["tier"], buckets=_LATENCY_BOUNDS
)
OVERHEAD = Histogram(
    "asahi_overhead_seconds",
    "Seconds of a request that Asahi took itself, waiting for providers left out.",
    ["tier"],
    buckets=_OVERHEAD_BOUNDS,
)
HITS = Counter("asahi_cache_hits", "Requests answered from a cache.", ["tier"])
LOOKUPS = Counter(
    "asahi_cache_lookups", "Requests that T2 or T3 was asked about, by what it decided.", ["tier", "outcome", "guard"]
)
COST = Counter("asahi_cost_usd", "What requests cost, in USD.", ["provider"])
ORIGINAL_COST = Counter("asahi_original_cost_usd", "What the same requests would have cost, in USD.")
# A gauge, for a request that cost more than its original takes from it.
SAVINGS = Gauge("asahi_savings_usd", "Original cost less cost less own spend, in USD.", multiprocess_mode="sum")
PROVIDER_CALLS = Counter("asahi_provider_calls", "Provider calls, repeats left out.", ["provider"])
LEFT_ALONE = Counter("asahi_models_left_alone", "Times a model was left alone because it kept failing.", ["model"])
PROVIDER_ERRORS = Counter("asahi_provider_errors", "Provider calls that brought no answer.", ["provider", "kind"])
SPENT_RETRIES = Counter(
    "asahi_provider_retries_spent", "Failed calls that were not repeated: too many to the provider were.", ["provider"]
)


class _Observations:
    """What a histogram is owed."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def pay(self, histogram: Histogram) -> None:
        """The client library offers no way to add many observations at once but through its own parts."""
        for bucket, count in zip(histogram._buckets, self.counts, strict=True):
            if count:
                bucket.inc(count)
        histogram._sum.inc(self.total)


class _Owed:
    """What was counted since the last flush. Only ever touched by the thread of the event loop."""

    def __init__(self) -> None:
        self.requests: defaultdict[tuple[str, int, str], int] = defaultdict(int)
        self.lookups: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self.latency = tuple(_Observations(_LATENCY_BOUNDS) for _ in _TIERS)
        self.overhead = tuple(_Observations(_OVERHEAD_BOUNDS) for _ in _TIERS)
        self.cost_nano: defaultdict[str, int] = defaultdict(int)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self.original_nano = 0
        self.savings_nano = 0


class _Meter:
    """The figures of this process that are not written yet."""

    def __init__(self) -> None:
        self.owed = _Owed()
        self.due_on: asyncio.AbstractEventLoop | None = None

    def flush(self) -> None:
        owed, self.owed, self.due_on = self.owed, _Owed(), None
        for (wire, tier, outcome), count in owed.requests.items():
            REQUESTS.labels(wire, _TIERS[tier], outcome).inc(count)
            if tier:
                HITS.labels(_TIERS[tier]).inc(count)
        for labels, count in owed.lookups.items():
            LOOKUPS.labels(*labels).inc(count)
        for name, latency, overhead in zip(_TIERS, owed.latency, owed.overhead, strict=True):
            if any(latency.counts):
                latency.pay(LATENCY.labels(name))
            if any(overhead.counts):
                overhead.pay(OVERHEAD.labels(name))
        for provider, calls in owed.calls.items():
            PROVIDER_CALLS.labels(provider).inc(calls)
        for provider, cost_nano in owed.cost_nano.items():
            COST.labels(provider).inc(cost_nano * NANO)
        ORIGINAL_COST.inc(owed.original_nano * NANO)
        SAVINGS.inc(owed.savings_nano * NANO)

    def flush_soon(self) -> None:
        loop = asyncio.get_running_loop()
        if self.due_on is not loop:
            self.due_on = loop
            loop.call_later(FLUSH_SECONDS, self.flush)


_meter = _Meter()


def count_answer(event: UsageEvent, overhead_seconds: float | None = None) -> None:
    """Count an answered request. Call it on the event loop."""
    owed = _meter.owed
    owed.requests[event.wire, event.tier, event.outcome] += 1
    owed.latency[event.tier].observe(event.latency_ms / 1000)
    if overhead_seconds is not None:
        owed.overhead[event.tier].observe(overhead_seconds)
    if event.cost_nano:
        owed.cost_nano[event.provider] += event.cost_nano
    owed.original_nano += event.original_cost_nano
    owed.savings_nano += event.original_cost_nano - event.cost_nano - event.own_spend_nano
    _meter.flush_soon()


def count_lookup(tier: str, outcome: str, guard: str) -> None:
    """Count what T2 or T3 decided: `hit`, `checked` (a hit that was not served, to be labelled), `verify`, `miss`,
    `passed` (no request to be looked up) or `left_out` (no answer in time). Call it on the event loop."""
    _meter.owed.lookups[tier, outcome, guard] += 1
    _meter.flush_soon()


def count_provider_call(provider: str) -> None:
    """Count a call that is about to be made. Call it on the event loop."""
    _meter.owed.calls[provider] += 1
    _meter.flush_soon()


def count_left_alone(model: str) -> None:
    """Count a breaker that opened."""
    LEFT_ALONE.labels(model).inc()


def count_provider_error(provider: str, kind: str) -> None:
    """Count a provider call that brought no answer. Rare enough to be written at once."""
    PROVIDER_ERRORS.labels(provider, kind).inc()


def count_spent_retries(provider: str) -> None:
    """Count a failed call that was not repeated for the sake of its provider."""
    SPENT_RETRIES.labels(provider).inc()


def flush() -> None:
    """Write what was counted. For the end of a process, on its event loop."""
    _meter.flush()


def prepare_directory(directory: Path) -> None:
    """Empty the directory the processes share, for figures of an earlier start must not be added to this one's.

    For whoever starts the processes, before the first: export `PROMETHEUS_MULTIPROC_DIR` as this directory.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for leftover in directory.glob("*.db"):
        leftover.unlink()


def exposition(*collectors: Collector) -> bytes:
    """All figures of all processes, and what these collectors measure now, in Prometheus's text format."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    if DIRECTORY_VARIABLE not in os.environ:
        return generate_latest(REGISTRY) + generate_latest(registry)
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # registers itself
    return generate_latest(registry)
