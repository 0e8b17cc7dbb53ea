"""What is played on the stage. Each scenario alternates rounds on the gateway with rounds without it."""

from __future__ import annotations

from collections.abc import Callable

from inference.bench import cache_scenarios, figures, proc, wire
from inference.bench.figures import Figure, Measure
from inference.bench.stage import Gateway, Round, Stage
from inference.bench.target import LoadResult, Workload

UPSTREAM_DELAY_MS = 50
OPEN_LOOP_RATE = 500.0
FEW_STREAMS = 4
MANY_STREAMS = 32
TOLERATED_SHARE = 0.01
_MEGABYTE = 1_000_000


def hit(stage: Stage) -> list[Figure]:
    """The same question again and again: T1 answers, the provider hears nothing."""
    work = _cached_question(stage, stage.gateway)
    before = stage.upstream_answers()
    rounds, floor = [], []
    for _ in range(stage.sizes.rounds):
        rounds.append(_full_load(stage, stage.gateway, work))
        heard = stage.upstream_answers() - before
        floor.append(stage.load(stage.direct, work, stage.sizes.floor_seconds))
        before = stage.upstream_answers()
        _tolerate_few(stage, heard, rounds[-1].load.answered)
    return _throughput((figures.HIT_RATE, figures.HIT_CPU, figures.HIT_BUSY), rounds, floor)


def miss(stage: Stage) -> list[Figure]:
    """Every question is new: each goes to the provider and fills the cache."""
    rounds, floor = [], []
    for _ in range(stage.sizes.rounds):
        before = stage.upstream_answers()
        rounds.append(_full_load(stage, stage.gateway, stage.distinct()))
        heard = stage.upstream_answers() - before
        if heard < rounds[-1].load.answered:
            stage.fail(f"miss: only {heard} of {rounds[-1].load.answered} new questions reached the provider")
        floor.append(stage.load(stage.direct, stage.distinct(), stage.sizes.floor_seconds))
    return _throughput((figures.MISS_RATE, figures.MISS_CPU, figures.MISS_BUSY), rounds, floor)


def latency(stage: Stage) -> list[Figure]:
    """New questions at a fixed rate to a provider that takes 50 ms: what the gateway adds to the wait."""
    stage.set_upstream_delay(UPSTREAM_DELAY_MS)
    pairs = []
    for _ in range(stage.sizes.rounds):
        direct = stage.at_rate(stage.direct, OPEN_LOOP_RATE, stage.sizes.seconds)
        through = stage.at_rate(stage.gateway.target, OPEN_LOOP_RATE, stage.sizes.seconds)
        pairs.append((direct, through))
    stage.set_upstream_delay(0)
    return [
        _added(figures.ADDED_P50, pairs, lambda load: load.p50_ms),
        _added(figures.ADDED_P95, pairs, lambda load: load.p95_ms),
        _added(figures.ADDED_P99, pairs, lambda load: load.p99_ms),
    ]


def stream(stage: Stage) -> list[Figure]:
    """Streamed answers: when the first byte comes, and what a chunk costs."""
    gateway, seconds = stage.gateway, stage.sizes.seconds
    pairs, rounds = [], []
    for _ in range(stage.sizes.rounds):
        direct = stage.stream(stage.direct, FEW_STREAMS, seconds)
        pairs.append((direct, stage.stream(gateway.target, FEW_STREAMS, seconds)))
        rounds.append(stage.measure(gateway, lambda: stage.stream(gateway.target, MANY_STREAMS, seconds)))
    chunk_us = [round_.cpu_us_per(round_.load.answered * wire.STREAM_CHUNKS) for round_ in rounds]
    return [_added(figures.FIRST_BYTE, pairs, lambda load: load.p50_ms), Figure.of(figures.CHUNK_CPU, chunk_us)]


def memory(stage: Stage) -> list[Figure]:
    """Hits and misses in turn, up to a number of requests: what the gateway holds, and whether it keeps growing."""
    work = _cached_question(stage, stage.gateway)
    samples: list[tuple[int, float]] = []
    sent = 0
    while sent < stage.sizes.memory_requests and not stage.failures:
        sent += stage.load(stage.gateway.target, stage.distinct(), 1).answered
        sent += stage.load(stage.gateway.target, work, 1).answered
        samples.append((sent, proc.rss_bytes(stage.gateway.pid) / _MEGABYTE))
    if not samples:
        return []
    half = next(size for at, size in samples if at >= sent / 2)
    final = samples[-1][1]
    held = Figure(figures.MEMORY, final, tuple(size for _, size in samples))
    return [held, Figure.of(figures.MEMORY_GROWTH, [(final - half) / half * 100])]


def workers(stage: Stage) -> list[Figure]:
    """Two workers against one on the same question. Where the load has no core left to itself, wall time says nothing
    about the server, and only CPU time per request is compared."""
    pair = stage.start_gateway(2)
    stage.warm_up(pair)
    work = _cached_question(stage, pair)
    one, two = [], []
    for _ in range(stage.sizes.rounds):
        one.append(_full_load(stage, stage.gateway, work))
        two.append(_full_load(stage, pair, work))
    rounds = list(zip(one, two, strict=True))
    found = [Figure.of(figures.SCALING, [2 * _cpu_us(alone) / _cpu_us(both) for alone, both in rounds])]
    if stage.load_is_apart_from(pair):
        wall = [both.load.per_second / alone.load.per_second for alone, both in rounds]
        found.append(Figure.of(figures.SCALING_WALL, wall))
    return found


Scenario = Callable[[Stage], list[Figure]]
SCENARIOS: dict[str, Scenario] = {
    "hit": hit,
    "miss": miss,
    "latency": latency,
    "stream": stream,
    "memory": memory,
    "workers": workers,
    "admission": cache_scenarios.admission,
    "t2": cache_scenarios.t2,
}


def _cached_question(stage: Stage, gateway: Gateway) -> Workload:
    """A question whose answer is in T1: asked until the gateway says so."""
    work = stage.repeated()
    for _ in range(5):
        said = stage.ask(gateway.target, work).headers.get(b"x-asahi-cache", b"")
        if said == b"t1":
            return work
    stage.fail(f"hit: a question asked five times is not answered from T1 (x-asahi-cache: {said.decode()})")
    return work


def _tolerate_few(stage: Stage, heard: int, answered: int) -> None:
    """A starved Redis is passed over after 50 ms, and the call goes to the provider: that is how it should be, but
    many of them would make the figure one of something else."""
    if heard > answered * TOLERATED_SHARE:
        stage.fail(f"hit: {heard} of {answered} questions reached the provider although their answer is cached")
    elif heard:
        stage.notes.append(f"hit: {heard} of {answered} questions reached the provider, as Redis was late.")


def _full_load(stage: Stage, gateway: Gateway, work: Workload) -> Round:
    return stage.measure(gateway, lambda: stage.load(gateway.target, work, stage.sizes.seconds))


def _cpu_us(round_: Round) -> float:
    return round_.cpu_us_per(round_.load.answered)


def _throughput(
    measures: tuple[Measure, Measure, Measure], rounds: list[Round], floor: list[LoadResult]
) -> list[Figure]:
    rate, cpu, busy = measures
    return [
        Figure.of(rate, [round_.load.per_second for round_ in rounds], [load.per_second for load in floor]),
        Figure.of(cpu, [_cpu_us(round_) for round_ in rounds]),
        Figure.of(busy, [100 * round_.cpu_seconds / round_.load.seconds for round_ in rounds]),
    ]


def _added(measure: Measure, pairs: list[tuple[LoadResult, LoadResult]], read: Callable[[LoadResult], float]) -> Figure:
    added = [read(through) - read(direct) for direct, through in pairs]
    return Figure.of(measure, added, [read(direct) for direct, _ in pairs])
