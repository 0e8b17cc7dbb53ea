"""Identical calls in two gateway processes share one upstream call: the second waits for what the first keeps in T1."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from caching import exact
from caching.domain import CachedAnswer, Filing
from caching.exact import EntryFormat, ExactCache
from caching.local import LocalAnswers
from governance import admission
from governance.admission import Spent
from governance.domain import Principal, Scope
from governance.gatekeeper import SCRIPTS, Gatekeeper
from governance.principals import policy_of
from governance.redis_pipe import RedisPipe, pack
from inference.domain import Order, Refusal
from inference.governing import Governing
from inference.stages import Admitted
from tests.inference.routing_calls import a_call, five_models

ANSWER = CachedAnswer("chat", b"{}", "m", "p", b"", 0.0, "", None, False)


class _Nothing:
    """A ledger without entries."""

    async def spent(self, org_id: str, at: datetime) -> Spent:
        return Spent(0, 0)

    async def recorded(self, request_ids: Sequence[str]) -> set[str]:
        return set()


@dataclass
class Process:
    """What one gateway process admits with."""

    pipe: RedisPipe
    governing: Governing
    t1: ExactCache

    async def admit(self, order: Order) -> Any:
        return await self.governing.admit(order, pays=True, counts=True)

    async def end(self, order: Order, answer: CachedAnswer | None) -> None:
        assert order.t1_key is not None
        org, request_id = order.principal.org_id, order.call.request_id
        await self.pipe.submit(self.t1.filling(org, order.t1_key, answer, Filing("k"), ttl=60, request_id=request_id))


@asynccontextmanager
async def a_process() -> AsyncIterator[Process]:
    scripts = (*SCRIPTS, exact.FILL, exact.LAND)
    pipe = RedisPipe(settings.REDIS_URL, preload=[script.load() for script in scripts], timeout=1.0)
    await pipe.start()
    local = LocalAnswers(redis_is_there=lambda: pipe.available, max_bytes=10_000)
    t1 = ExactCache(EntryFormat(None), local, ttl_seconds=60, max_bytes=10_000)
    yield Process(pipe, Governing(Gatekeeper(pipe, _Nothing()), t1), t1)
    await pipe.stop()


@pytest.fixture
def order(tmp_path: Any) -> Order:
    registry, _ = five_models(tmp_path)
    org = str(uuid4())
    return Order(
        principal=Principal(org, "key", frozenset({Scope.ALL}), policy_of({"daily_budget_nano": 150}), None),
        call=replace(a_call(), request_id="req_1"),
        candidates=registry.models,
        baseline=registry.models[0],
        reserve_nano=100,
        reserve_tokens=10,
        t1_key=exact.key_for(org, intent="model=a", wire="chat", canonical=b"{}"),
        task_text="",
    )


def by(order: Order, request_id: str) -> Order:
    return replace(order, call=replace(order.call, request_id=request_id))


def tell(story: Callable[[Process, Process], Awaitable[None]]) -> None:
    async def go() -> None:
        async with a_process() as one, a_process() as other:
            await story(one, other)

    asyncio.run(go())


def test_the_second_process_waits_for_the_firsts_answer_and_reserves_nothing(order: Order) -> None:
    async def story(one: Process, other: Process) -> None:
        assert isinstance(await one.admit(order), Admitted)
        waiting = asyncio.create_task(other.admit(by(order, "req_2")))  # the budget has no room for both
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await one.end(order, ANSWER)
        assert await waiting == ANSWER

    tell(story)


def test_a_flight_that_brings_nothing_lets_the_others_go(order: Order) -> None:
    async def story(one: Process, other: Process) -> None:
        assert isinstance(await one.admit(order), Admitted)
        waiting = asyncio.create_task(other.admit(by(order, "req_2")))
        await asyncio.sleep(0.05)
        one.governing.release(order)
        assert isinstance(await waiting, Admitted)

    tell(story)


def test_nobody_waits_twice_for_answers_that_cannot_be_shared(order: Order) -> None:
    order = replace(order, reserve_nano=10)

    async def story(one: Process, other: Process) -> None:
        assert isinstance(await one.admit(order), Admitted)
        waiting = [asyncio.create_task(other.admit(by(order, f"req_{n}"))) for n in (2, 3, 4)]
        await asyncio.sleep(0.05)
        await one.end(order, None)
        async with asyncio.timeout(5):
            assert all(isinstance(verdict, Admitted) for verdict in await asyncio.gather(*waiting))

    tell(story)


def test_a_process_that_died_is_not_waited_for_longer_than_its_lease(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_FLIGHT_MS", 300)
    order = replace(order, reserve_nano=10)

    async def story(one: Process, other: Process) -> None:
        assert isinstance(await one.admit(order), Admitted)
        started = time.monotonic()
        assert isinstance(await other.admit(by(order, "req_2")), Admitted)
        assert time.monotonic() - started >= 0.2

    tell(story)


def test_an_ended_flight_does_not_end_anothers(order: Order) -> None:
    order = replace(order, reserve_nano=10)

    async def story(one: Process, other: Process) -> None:
        assert isinstance(await one.admit(order), Admitted)
        await other.end(by(order, "req_2"), None)
        waiting = asyncio.create_task(other.admit(by(order, "req_3")))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await one.end(order, ANSWER)
        assert await waiting == ANSWER

    tell(story)


def test_an_entry_that_cannot_be_read_lets_nobody_in_without_a_reservation(order: Order) -> None:
    async def story(one: Process, other: Process) -> None:
        assert isinstance(await one.admit(order), Admitted)
        await one.pipe.submit(pack(b"SET", order.t1_key or "", b"not an entry"))
        assert isinstance(await other.admit(by(order, "req_2")), Refusal)  # the budget has no room for both

    tell(story)
