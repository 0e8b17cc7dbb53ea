"""Postgres frozen: nobody waits without end, and what Redis keeps is kept all the same."""

from __future__ import annotations

import threading
import time
from typing import Any

import redis
from django.conf import settings

from tests.gateway.concurrency import question
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.flaky_proxy import FlakyProxy


def test_a_key_that_cannot_be_looked_up_is_answered_in_time(
    gateway: Served, tenant: Tenant, make_tenant: Any, postgres_proxy: FlakyProxy
) -> None:
    assert gateway.chat(tenant, "known before").status_code == 200
    stranger: Tenant = make_tenant()
    with postgres_proxy.frozen():
        answer = gateway.http.get("/v1/models", headers=stranger.headers, timeout=20)
        assert answer.status_code == 503
        assert gateway.chat(tenant, "known, and meanwhile").status_code == 200
    _wait_until_served(gateway, stranger)


def test_many_unknown_keys_at_once_are_answered_in_time(
    gateway: Served, make_tenant: Any, postgres_proxy: FlakyProxy
) -> None:
    strangers = [make_tenant() for _ in range(30)]
    answers: list[int] = []

    def ask(stranger: Tenant) -> None:
        answers.append(gateway.http.get("/v1/models", headers=stranger.headers, timeout=20).status_code)

    with postgres_proxy.frozen():
        threads = [threading.Thread(target=ask, args=(stranger,)) for stranger in strangers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [503] * 30
    _wait_until_served(gateway, strangers[0])


def test_leases_are_renewed_while_postgres_is_frozen(
    gateway: Served, make_tenant: Any, simulator: Simulator, postgres_proxy: FlakyProxy
) -> None:
    tenant: Tenant = make_tenant(max_concurrency=1)
    gateway.http.get("/v1/models", headers=tenant.headers)
    simulator.faults(latency_ms=13_000)
    caller = threading.Thread(target=gateway.chat, args=(tenant, "a long one"), kwargs={"model": "gpt-6-luna"})
    client = redis.Redis.from_url(settings.REDIS_URL)
    with postgres_proxy.frozen():
        caller.start()
        slots = f"asahi:gov:{{{tenant.org_id}}}:active"
        first = _score(client, slots, lambda _: True)
        renewed = _score(client, slots, lambda score: score > first)
        assert renewed > first
        refused = gateway.http.post("/v1/chat/completions", json=question("another"), headers=tenant.headers)
        assert refused.status_code == 429
    caller.join()
    client.close()


def _score(client: Any, slots: str, wanted: Any) -> float:
    """When the only lease there ends, once that is as wanted."""
    deadline = time.monotonic() + 12
    while True:
        leases = client.zrange(slots, 0, -1, withscores=True)
        if leases and wanted(leases[0][1]):
            return float(leases[0][1])
        assert time.monotonic() < deadline, f"the lease never changed: {leases}"
        time.sleep(0.05)


def _wait_until_served(gateway: Served, tenant: Tenant) -> None:
    deadline = time.monotonic() + 20
    while gateway.http.get("/v1/models", headers=tenant.headers).status_code != 200:
        assert time.monotonic() < deadline, "the gateway never found its database again"
        time.sleep(0.2)
