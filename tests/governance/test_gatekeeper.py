"""Admission against a real Valkey that forgets, freezes and comes back: no place and no money is lost or held twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from governance import admission, unrecorded
from governance.admission import Admitted, Ask, Denied, Limit, Spent, Verdict
from governance.domain import Principal, Scope
from governance.gatekeeper import SCRIPTS, Gatekeeper
from governance.principals import policy_of
from governance.redis_pipe import RedisPipe
from tests.gateway.flaky_proxy import FlakyProxy


class Ledger:
    """What analytics would say, in the test's hand."""

    def __init__(self) -> None:
        self.nano = 0
        self.has: set[str] = set()

    async def spent(self, org_id: str, at: datetime) -> Spent:
        return Spent(self.nano, self.nano)

    async def recorded(self, request_ids: Sequence[str]) -> set[str]:
        return self.has.intersection(request_ids)

    def record(self, request_id: str, nano: int) -> None:
        self.has.add(request_id)
        self.nano += nano


class Door:
    """A gatekeeper of one organization, and what Redis holds for it."""

    def __init__(self, keeper: Gatekeeper, pipe: RedisPipe, ledger: Ledger, client: redis.Redis, limits: Any) -> None:
        self.keeper = keeper
        self.pipe = pipe
        self.ledger = ledger
        self.client = client
        self.org_id = str(uuid4())
        self.principal = Principal(self.org_id, "key", frozenset({Scope.ALL}), policy_of(limits), None)

    async def ask(self, request_id: str, *, nano: int | None = 100, tokens: int = 0) -> Verdict:
        ask = Ask(request_id, f"asahi:t1:{{{self.org_id}}}:", nano, tokens, read_t1=False)
        return await self.keeper.admit(self.principal, ask)

    async def settle(self, request_id: str, nano: int, tokens: int = 0) -> None:
        """As the gateway does at a request's end."""
        commands = self.keeper.settling(request_id, cost_nano=nano, tokens=tokens)
        if commands:
            await asyncio.wait([self.pipe.submit(*commands)])

    def key(self, part: str) -> str:
        return f"asahi:gov:{{{self.org_id}}}:{part}"

    def reserved(self) -> int:
        return int(self.client.hget(self.key("spend"), "reserved") or 0)

    def places(self) -> list[bytes]:
        return self.client.zrange(self.key("active"), 0, -1)

    def rate(self) -> dict[str, int]:
        return {name.decode(): int(value) for name, value in self.client.hgetall(self.key("rate")).items()}


@pytest.fixture
def proxy() -> Iterator[FlakyProxy]:
    between = FlakyProxy(settings.REDIS_URL)
    between.start()
    yield between
    between.stop()


@pytest.fixture
def run(proxy: FlakyProxy, valkey: redis.Redis) -> Callable[..., None]:
    """Runs a story at the door of an organization that has these limits."""

    @asynccontextmanager
    async def opened(limits: dict[str, int]) -> AsyncIterator[Door]:
        ledger, pipe = Ledger(), RedisPipe(proxy.url, preload=[script.load() for script in SCRIPTS], timeout=0.2)
        await pipe.start()
        yield Door(Gatekeeper(pipe, ledger), pipe, ledger, valkey, limits)
        await pipe.stop()

    def tell(story: Callable[[Door], Awaitable[None]], **limits: int) -> None:
        async def go() -> None:
            async with opened(limits) as door:
                await story(door)

        asyncio.run(go())

    return tell


async def _until(pipe: RedisPipe, *, available: bool) -> None:
    async with asyncio.timeout(10):
        while pipe.available is not available:
            await asyncio.sleep(0.01)


def test_a_running_request_keeps_its_place_beyond_its_lease(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_LEASE_MS", 600)

    async def story(door: Door) -> None:
        assert isinstance(await door.ask("req_1"), Admitted)
        for _ in range(5):
            await asyncio.sleep(0.2)
            await door.keeper.renew_leases()
        denied = await door.ask("req_2")
        assert isinstance(denied, Denied)
        assert denied.limit is Limit.CONCURRENCY
        await door.settle("req_1", 0)
        assert isinstance(await door.ask("req_3"), Admitted)

    run(story, max_concurrency=1)


def test_a_running_requests_reservation_is_put_back_where_redis_lost_it(run: Any) -> None:
    async def story(door: Door) -> None:
        await door.ask("req_1", nano=700)
        door.client.flushdb()
        await door.keeper.renew_leases()
        denied = await door.ask("req_2", nano=700)
        assert isinstance(denied, Denied)
        assert denied.limit is Limit.DAY
        await door.settle("req_1", 0)
        assert door.reserved() == 0

    run(story, daily_budget_nano=1000)


@pytest.mark.parametrize("denied_meanwhile", [False, True])
def test_an_admission_that_redis_makes_after_a_freeze_holds_nothing(
    run: Any, proxy: FlakyProxy, denied_meanwhile: bool
) -> None:
    async def story(door: Door) -> None:
        await door.ask("req_warm", nano=0)
        await door.settle("req_warm", 0)
        with proxy.frozen():
            door.ledger.nano = 10**6 if denied_meanwhile else 0
            verdict = await door.ask("req_1")
            assert isinstance(verdict, Denied if denied_meanwhile else Admitted)
            await door.settle("req_1", 0)
        await _until(door.pipe, available=True)
        await asyncio.sleep(0.1)  # what was stuck has arrived
        await door.keeper.reconcile()
        assert (door.places(), door.reserved()) == ([], 0)

    run(story, max_concurrency=1, daily_budget_nano=10**6)


def test_a_settlement_that_was_lost_is_made_up_for(run: Any, proxy: FlakyProxy) -> None:
    async def story(door: Door) -> None:
        await door.ask("req_1", nano=700)
        with proxy.cut():
            await _until(door.pipe, available=False)
            await door.settle("req_1", 50)
        await _until(door.pipe, available=True)
        await door.keeper.reconcile()
        assert (door.places(), door.reserved()) == ([], 50)

    run(story, max_concurrency=1, daily_budget_nano=1000)


def test_a_settlement_sent_into_a_freeze_is_made_up_for(run: Any, proxy: FlakyProxy) -> None:
    async def story(door: Door) -> None:
        await door.ask("req_1", nano=700)
        with proxy.cut():
            commands = door.keeper.settling("req_1", cost_nano=50, tokens=0)
            assert commands, "this process does not know yet that Redis is away"
            await asyncio.wait([door.pipe.submit(*commands)])
        await _until(door.pipe, available=True)
        await door.keeper.reconcile()
        assert (door.places(), door.reserved()) == ([], 50)

    run(story, max_concurrency=1, daily_budget_nano=1000)


def test_an_admission_nobody_waits_for_any_more_holds_nothing(run: Any, proxy: FlakyProxy) -> None:
    async def story(door: Door) -> None:
        await door.ask("req_warm", nano=0)
        await door.settle("req_warm", 0)
        with proxy.frozen():
            asking = asyncio.create_task(door.ask("req_1"))
            await asyncio.sleep(0.05)
            asking.cancel()
            await asyncio.wait([asking])
        await _until(door.pipe, available=True)
        await asyncio.sleep(0.1)
        await _until(door.pipe, available=True)
        await door.keeper.reconcile()
        assert (door.places(), door.reserved()) == ([], 0)

    run(story, max_concurrency=1, daily_budget_nano=10**6)


def test_a_server_that_forgot_its_scripts_still_settles(run: Any) -> None:
    async def story(door: Door) -> None:
        await door.ask("req_1", nano=700)
        door.client.script_flush()
        await door.settle("req_1", 0)
        assert (door.places(), door.reserved()) == ([], 0)

    run(story, max_concurrency=1, daily_budget_nano=1000)


def test_what_is_reserved_is_summed_anew_when_the_sum_was_evicted(run: Any) -> None:
    async def story(door: Door) -> None:
        await door.ask("req_1", nano=300)
        await door.ask("req_2", nano=300)
        door.client.delete(door.key("spend"))
        await door.settle("req_1", 0)
        await door.ask("req_3", nano=100)
        assert door.reserved() == 400
        await door.settle("req_2", 0)
        await door.settle("req_3", 0)
        assert door.reserved() == 0

    run(story, daily_budget_nano=1000)


def test_without_redis_money_counts_until_the_ledger_has_it(
    run: Any, proxy: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrecorded, "_LETS_GO_SECONDS", 0.1)

    async def story(door: Door) -> None:
        await door.ask("req_recent", nano=300)
        await door.settle("req_recent", 300)
        await door.ask("req_running", nano=300)
        with proxy.cut():
            await _until(door.pipe, available=False)
            assert isinstance(await door.ask("req_local", nano=300), Admitted)
            await door.settle("req_running", 300)
            await door.settle("req_local", 300)
            for _ in range(2):
                await door.keeper.reconcile()
                assert isinstance(await door.ask("req_more", nano=200), Denied)
                await asyncio.sleep(0.2)
            for number, request_id in enumerate(("req_recent", "req_running", "req_local")):
                door.ledger.record(request_id, 200)
                await door.keeper.reconcile()
                assert isinstance(await door.ask("req_much", nano=101 + 100 * (number + 1)), Denied)
            await asyncio.sleep(0.2)
            await door.keeper.reconcile()
            assert isinstance(await door.ask("req_fits", nano=400), Admitted), "600 of 1000 are spent"

    run(story, daily_budget_nano=1000)


def test_money_that_redis_was_told_of_after_the_recorder_told_it_is_not_held_twice(
    run: Any, proxy: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrecorded, "_LETS_GO_SECONDS", 0.1)

    async def story(door: Door) -> None:
        with proxy.cut():
            await _until(door.pipe, available=False)
            await door.ask("req_1", nano=300)
            await door.settle("req_1", 300)
        door.ledger.record("req_1", 300)  # and the recorder has told Redis, which held nothing for it yet
        await _until(door.pipe, available=True)
        await door.keeper.reconcile()
        assert door.reserved() == 300
        await asyncio.sleep(0.2)
        await door.keeper.reconcile()
        await door.keeper.reconcile()
        assert door.reserved() == 0

    run(story, daily_budget_nano=1000)


def test_without_redis_a_budget_is_closed_when_more_is_unrecorded_than_can_be_kept(
    run: Any, proxy: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrecorded, "_MOST_UNRECORDED", 3)

    async def story(door: Door) -> None:
        with proxy.cut():
            await _until(door.pipe, available=False)
            for number in range(3):
                assert isinstance(await door.ask(f"req_{number}"), Admitted)
                await door.settle(f"req_{number}", 1)
            assert isinstance(await door.ask("req_3"), Denied)
            door.ledger.record("req_0", 1)
            await door.keeper.reconcile()
            assert isinstance(await door.ask("req_4"), Admitted)

    run(story, daily_budget_nano=10**6)


@pytest.mark.parametrize(
    ("minutes_later", "expected"),
    [(0, (50, 0)), (1, (90, 50)), (2, (90, 40))],
    ids=["in the same minute", "in the next minute", "after the window"],
)
def test_tokens_are_corrected_in_the_minute_they_were_asked_in(
    run: Any, minutes_later: int, expected: tuple[int, int]
) -> None:
    async def story(door: Door) -> None:
        admitted = await door.ask("req_1", tokens=800)
        assert isinstance(admitted, Admitted)
        if minutes_later:
            before = 800 if minutes_later == 1 else 40
            minute = admitted.minute + minutes_later
            door.client.hset(door.key("rate"), mapping={"minute": minute, "tokens": 90, "tokens_before": before})
        await door.settle("req_1", 0, tokens=50)
        rate = door.rate()
        assert (rate["tokens"], rate["tokens_before"]) == expected

    run(story, tokens_per_minute=1000)


def test_corrected_tokens_are_never_below_nothing(run: Any) -> None:
    async def story(door: Door) -> None:
        await door.ask("req_1", tokens=800)
        door.client.hset(door.key("rate"), "tokens", 10)
        await door.settle("req_1", 0, tokens=50)
        assert door.rate()["tokens"] == 0

    run(story, tokens_per_minute=1000)
