"""Redis gone or frozen is degraded service, said so: answers go on, money is counted, and nothing is lost."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction

from governance.keys import revoke_key
from tests.gateway.concurrency import chat_at_once, question
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.flaky_proxy import FlakyProxy
from tests.gateway.test_budgets_and_limits import worst_case_nano


@pytest.fixture(autouse=True)
def back_afterwards(gateway: Served) -> Any:
    yield
    _wait_for_backend(gateway, "redis")


def _wait_for_backend(gateway: Served, name: str) -> None:
    deadline = time.monotonic() + 10
    while gateway.http.get("/health").json()["cache_backend"] != name:
        assert time.monotonic() < deadline, f"/health never said {name}"
        time.sleep(0.05)


@pytest.mark.parametrize("fault", ["cut", "frozen"])
@pytest.mark.parametrize("stream", [False, True])
def test_answers_go_on_and_reach_the_ledger(
    gateway: Served, tenant: Tenant, redis_proxy: FlakyProxy, fault: str, stream: bool
) -> None:
    assert gateway.chat(tenant, "before").status_code == 200
    with getattr(redis_proxy, fault)():
        answers = [gateway.chat(tenant, f"meanwhile {number}", stream=stream) for number in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        _wait_for_backend(gateway, "memory")
    entries = tenant.ledger(4)
    assert all(entry.cost_nano > 0 for entry in entries)


def test_a_cut_in_the_middle_of_many_calls_loses_none(
    gateway: Served, tenant: Tenant, redis_proxy: FlakyProxy, simulator: Simulator
) -> None:
    simulator.faults(latency_ms=300)
    bodies = [question(f"in the middle {number}") for number in range(40)]

    def cut() -> None:
        time.sleep(0.2)
        with redis_proxy.cut():
            time.sleep(0.5)

    cutter = threading.Thread(target=cut)
    cutter.start()
    answers = chat_at_once(gateway, tenant, bodies)
    cutter.join()
    assert {answer.status_code for answer in answers} == {200}
    entries = tenant.ledger(40)
    counted = sum(call["output_tokens"] for call in simulator.calls())
    assert sum(entry.output_tokens for entry in entries) == counted


def test_a_budget_stays_closed_without_redis(gateway: Served, make_tenant: Any, redis_proxy: FlakyProxy) -> None:
    tenant: Tenant = make_tenant(daily_budget_nano=1000)
    with redis_proxy.cut():
        assert gateway.chat(tenant, "too much for this budget").status_code == 429
        rich: Tenant = make_tenant(daily_budget_nano=10**10)
        assert gateway.chat(rich, "enough for this one").status_code == 200


def test_a_place_taken_after_a_freeze_is_given_back(gateway: Served, make_tenant: Any, redis_proxy: FlakyProxy) -> None:
    tenant: Tenant = make_tenant(max_concurrency=1)
    gateway.http.get("/v1/models", headers=tenant.headers)
    with redis_proxy.frozen():
        assert gateway.chat(tenant, "meanwhile").status_code == 200
    _wait_for_backend(gateway, "redis")
    time.sleep(0.5)  # what Redis was asked before has arrived there
    deadline = time.monotonic() + 10
    while gateway.chat(tenant, f"afterwards {time.monotonic()}").status_code != 200:
        assert time.monotonic() < deadline, "the place is held until its lease runs out"
        time.sleep(0.2)


def test_a_budget_counts_what_ended_without_redis_although_the_recorder_is_late(
    gateway: Served, make_tenant: Any, redis_proxy: FlakyProxy, simulator: Simulator
) -> None:
    body = question("The first of its kind", max_tokens=200)
    tenant: Tenant = make_tenant(daily_budget_nano=worst_case_nano(body) + 1000)
    gateway.http.get("/v1/models", headers=tenant.headers)
    simulator.faults(latency_ms=1000)
    first: list[int] = []

    def ask(text: str) -> int:
        another = question(text, max_tokens=200)
        return gateway.http.post("/v1/chat/completions", json=another, headers=tenant.headers).status_code

    caller = threading.Thread(target=lambda: first.append(ask("The first of its kind")))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE analytics_usagerollup IN EXCLUSIVE MODE")  # nothing is recorded any more
        caller.start()
        time.sleep(0.5)  # admitted by Redis, answered without it
        with redis_proxy.cut():
            caller.join()
            simulator.faults(latency_ms=0)
            assert first == [200]
            assert ask("The second of its kind") == 429
    assert tenant.ledger(1)[0].cost_nano > 1000


@pytest.mark.parametrize("fault", ["cut", "frozen"])
def test_a_revoked_key_is_refused_within_seconds_although_nobody_could_be_told(
    gateway: Served, tenant: Tenant, redis_proxy: FlakyProxy, fault: str
) -> None:
    assert gateway.chat(tenant, "hello").status_code == 200
    with getattr(redis_proxy, fault)():
        _wait_for_backend(gateway, "memory")
        assert gateway.chat(tenant, "hello again").status_code == 200
        revoke_key(org_id=tenant.org_id, key_id=tenant.key_id)
        deadline = time.monotonic() + 8
        while gateway.chat(tenant, "and again").status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert gateway.chat(tenant, "and again").status_code == 401
