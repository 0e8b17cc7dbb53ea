"""What a scenario takes for an error. The gateway, too, is a mock provider here, and no figure is checked."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from inference.bench import scenarios, upstream
from inference.bench.client import send_one
from inference.bench.stage import Gateway, Sizes, Stage, run_async
from inference.bench.target import LoadResult, Target, Workload

ONE_ROUND = Sizes(rounds=1, seconds=1, floor_seconds=1, memory_requests=3)


class ThreeRequests:
    """A load tool that sends three requests a round."""

    name = "three requests"
    note = ""

    def run(self, target: Target, work: Workload, connections: int, seconds: int) -> LoadResult:
        bodies = work.bodies()
        statuses = [run_async(send_one(target, next(bodies))).status for _ in range(3)]
        answered = statuses.count(200)
        return LoadResult(answered, 3 - answered, 1.0, 1.0, 1.0, 1.0, "" if answered == 3 else f"{statuses}")


@contextmanager
def served(script: upstream.Script) -> Iterator[int]:
    """The mock provider on a thread of its own; scenarios block theirs."""
    ports: list[int] = []
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        server = await upstream.serve(script)
        ports.append(server.sockets[0].getsockname()[1])
        started.set()
        await stop.wait()
        server.close()

    loops: list[asyncio.AbstractEventLoop] = []
    thread = threading.Thread(target=lambda: run_async(serve()))
    thread.start()
    assert started.wait(5)
    try:
        yield ports[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(5)


@pytest.fixture
def provider() -> upstream.Script:
    return upstream.Script(pace_seconds=0.0)


@pytest.fixture
def gateway_script() -> upstream.Script:
    script = upstream.Script(pace_seconds=0.0)
    script.answer = script.answer.replace(b"\r\n", b"\r\nx-asahi-cache: t1\r\n", 1)
    return script


@pytest.fixture
def stage(provider, gateway_script) -> Iterator[Stage]:
    with served(provider) as direct, served(gateway_script) as port:
        gateway = Gateway(Target("gateway", port), os.getpid(), frozenset({0}))
        yield Stage(gateway, Target("direct", direct), ThreeRequests(), ONE_ROUND, "m", lambda workers: gateway)


def test_hits_that_the_provider_never_hears_of_are_in_order(stage):
    found = scenarios.hit(stage)
    assert stage.failures == []
    assert [figure.measure.key for figure in found] == ["t1_hit_per_second", "t1_hit_cpu_us", "t1_hit_core_percent"]
    assert found[0].direct == 3.0
    assert stage.answered == 4  # one to fill the cache, three measured; the floor's are not the gateway's


def test_a_question_that_never_comes_from_the_cache_fails_the_hit_scenario(stage, gateway_script, provider):
    gateway_script.answer = provider.answer
    scenarios.hit(stage)
    assert any("not answered from T1" in failure for failure in stage.failures)


def test_hits_that_reach_the_provider_fail_the_hit_scenario(stage):
    stage.direct = Target("direct", stage.gateway.target.port)  # whoever answers also counts
    scenarios.hit(stage)
    assert any("3 of 3 questions reached the provider although" in failure for failure in stage.failures)


def test_a_hit_in_a_hundred_may_reach_the_provider_when_redis_is_late_and_is_mentioned(stage, provider, monkeypatch):
    load = stage.driver.run

    def with_one_stray(target: Target, work: Workload, connections: int, seconds: int) -> LoadResult:
        provider.answered += 1
        return replace(load(target, work, connections, seconds), answered=200)

    monkeypatch.setattr(stage.driver, "run", with_one_stray)
    scenarios.hit(stage)
    assert stage.failures == []
    assert stage.notes == ["hit: 1 of 200 questions reached the provider, as Redis was late."]


def test_misses_that_do_not_reach_the_provider_fail_the_miss_scenario(stage):
    scenarios.miss(stage)
    assert any("only 0 of 3 new questions reached the provider" in failure for failure in stage.failures)


def test_misses_that_reach_the_provider_are_in_order(stage):
    stage.direct = Target("direct", stage.gateway.target.port)
    scenarios.miss(stage)
    assert stage.failures == []


def test_an_answer_that_is_not_200_fails_any_scenario(stage, gateway_script):
    gateway_script.answer = gateway_script.answer.replace(b"200 OK", b"503 Gone", 1)
    scenarios.hit(stage)
    assert any("gateway: 3 requests failed" in failure for failure in stage.failures)


def test_memory_is_sampled_until_enough_requests_are_answered(stage):
    held, growth = scenarios.memory(stage)
    assert held.value > 0
    assert growth.measure.key == "memory_growth_percent"
    assert stage.answered >= stage.sizes.memory_requests


def test_two_workers_are_compared_with_one(stage):
    keys = [figure.measure.key for figure in scenarios.workers(stage)]
    assert keys[0] == "two_workers_cpu"
    assert stage.failures == []


def test_every_round_asks_something_new(stage):
    first = next(stage.distinct().bodies())
    assert first != next(stage.distinct().bodies()) != next(stage.repeated().bodies())
