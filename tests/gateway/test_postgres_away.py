"""Postgres frozen: nobody waits without end."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.gateway.conftest import Served, Tenant
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


def _wait_until_served(gateway: Served, tenant: Tenant) -> None:
    deadline = time.monotonic() + 20
    while gateway.http.get("/v1/models", headers=tenant.headers).status_code != 200:
        assert time.monotonic() < deadline, "the gateway never found its database again"
        time.sleep(0.2)
