"""The stage on which scenarios play: a gateway under load, the provider behind it, and what went wrong so far."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from inference.bench import client, proc
from inference.bench.load import Driver
from inference.bench.probes import Probes
from inference.bench.target import LoadResult, Target, Workload
from inference.bench.upstream import new_precise_loop

T = TypeVar("T")

WARM_UP_SECONDS = 1
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    rounds: int
    seconds: int
    floor_seconds: int
    memory_requests: int
    probes: int = 0
    """Admissions, and hits of T2, in a round."""
    entries: int = 0
    """What T2's store holds."""


QUICK = Sizes(rounds=3, seconds=2, floor_seconds=1, memory_requests=20_000, probes=200, entries=10_000)
FULL = Sizes(rounds=5, seconds=8, floor_seconds=3, memory_requests=200_000, probes=1_000, entries=100_000)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: where it listens, its process, and the cores it has for itself."""

    target: Target
    pid: int
    cores: frozenset[int]


@dataclass(frozen=True, slots=True)
class Round:
    """One round under load, with the CPU time that the gateway used meanwhile."""

    load: LoadResult
    cpu_seconds: float

    def cpu_us_per(self, units: int) -> float:
        return self.cpu_seconds * 1e6 / max(units, 1)


@dataclass(slots=True)
class Stage:
    """Everything a scenario needs."""

    gateway: Gateway
    direct: Target
    driver: Driver
    sizes: Sizes
    model: str
    start_gateway: Callable[[int], Gateway]
    """Starts another gateway with so many workers; it runs until the benchmark ends."""
    probes: Probes | None = None
    semantic: Target | None = None
    """The gateway for an organization that has T2."""
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answered: int = 0
    strangers: list[float] = field(default_factory=list)
    """How much of the gateway's cores others used, round by round."""
    _next_subject: int = 0

    def repeated(self) -> Workload:
        """A question nobody has asked yet, to be asked again and again."""
        return Workload(self.model, self._take(1), distinct=False)

    def distinct(self) -> Workload:
        """Questions nobody has asked yet, as many as a round can ask."""
        return Workload(self.model, self._take(500_000), distinct=True)

    def _take(self, count: int) -> int:
        first = self._next_subject
        self._next_subject += count
        return first

    def load(self, target: Target, work: Workload, seconds: int) -> LoadResult:
        """Load a target as fast as it answers."""
        return self._checked(target, self.driver.run(target, work, CONNECTIONS, seconds))

    def at_rate(self, target: Target, rate: float, seconds: float) -> LoadResult:
        """Send new questions at a fixed rate."""
        return self._checked(target, run_async(client.open_loop(target, self.distinct().bodies(), rate, seconds)))

    def stream(self, target: Target, count: int, seconds: float) -> LoadResult:
        """Keep so many streams of new answers open."""
        bodies = self.distinct().bodies(stream=True)
        return self._checked(target, run_async(client.streams(target, bodies, count, seconds)))

    def measure(self, gateway: Gateway, run: Callable[[], LoadResult]) -> Round:
        """Load a gateway and account for the CPU time it took."""
        cpu, busy = proc.cpu_seconds(gateway.pid), proc.busy_seconds(gateway.cores)
        result = run()
        cpu, busy = proc.cpu_seconds(gateway.pid) - cpu, proc.busy_seconds(gateway.cores) - busy
        self.strangers.append(max(0.0, busy - cpu) / (result.seconds * len(gateway.cores)))
        return Round(result, max(cpu, 1 / proc.TICKS_PER_SECOND))  # less than a tick is not told

    def ask(self, target: Target, work: Workload) -> client.Exchange:
        """Ask once; an answer other than 200 is a failure of the benchmark."""
        exchange = run_async(client.send_one(target, next(work.bodies())))
        self.check(target, exchange)
        return exchange

    def check(self, target: Target, exchange: client.Exchange) -> None:
        """Counts an answer; one other than 200 is a failure of the benchmark."""
        self._note(target, client.check_status(exchange))
        self._count(target, 1)

    def warm_up(self, gateway: Gateway) -> None:
        """Answer enough of everything that caches, pools and code paths are as they stay."""
        self.load(gateway.target, self.distinct(), WARM_UP_SECONDS)
        self.load(gateway.target, self.repeated(), WARM_UP_SECONDS)
        self.stream(gateway.target, 4, 0.5)

    def upstream_answers(self) -> int:
        """How many calls the provider has answered."""
        return int(self._control("/count"))

    def set_upstream_delay(self, milliseconds: int) -> None:
        self._control(f"/delay/{milliseconds}")

    def load_is_apart_from(self, gateway: Gateway) -> bool:
        """Whether the load generator, the provider and the databases leave the gateway its cores."""
        return not gateway.cores & os.sched_getaffinity(0)

    def fail(self, reason: str) -> None:
        self.failures.append(reason)

    def _control(self, path: str) -> bytes:
        return run_async(client.send_one(Target("upstream", self.direct.port, path, method="GET"), b"")).body

    def _checked(self, target: Target, result: LoadResult) -> LoadResult:
        self._count(target, result.answered)
        if result.failed or not result.answered:
            self._note(target, f"{result.failed} requests failed, {result.answered} did not: {result.failure}")
        return result

    def _count(self, target: Target, answered: int) -> None:
        if target is not self.direct:
            self.answered += answered

    def _note(self, target: Target, wrong: str) -> None:
        if wrong:
            self.fail(f"{target.name}: {wrong}")


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run on a loop whose timers are exact."""
    with asyncio.Runner(loop_factory=new_precise_loop) as runner:
        return runner.run(coroutine)
