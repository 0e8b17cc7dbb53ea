"""An outage is not made worse: a call is repeated while the budget for its provider lasts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from asahi_site import runtime
from inference.providers.traffic import Traffic
from tests.gateway.conftest import Served, Simulator, Tenant

MODEL = "gpt-6-luna"


@pytest.fixture
def traffic(gateway: Served) -> Iterator[Traffic]:
    traffic = runtime.current().standing._traffic
    share, reserve = traffic._share, traffic._reserve
    traffic._windows.clear()
    yield traffic
    traffic._share, traffic._reserve = share, reserve
    traffic._windows.clear()
    runtime.current().breakers.succeeded(MODEL)


def tries(simulator: Simulator) -> int:
    return sum(call["outcome"] != "ok" for call in simulator.calls())


def test_calls_are_repeated_until_the_budget_is_spent(
    gateway: Served, tenant: Tenant, simulator: Simulator, traffic: Traffic
) -> None:
    traffic._share, traffic._reserve = 0.0, 3
    simulator.faults(error_rate=1.0, error_status=503, models=[MODEL])
    answers = []
    for number in range(4):
        answers.append(gateway.chat(tenant, f"in an outage {number}", model=MODEL).status_code)
        runtime.current().breakers.succeeded(MODEL)  # which would spare the provider otherwise
    assert answers == [503] * 4
    assert tries(simulator) == 4 + 3


def test_a_long_wish_to_be_left_alone_is_not_waited_for(
    gateway: Served, tenant: Tenant, simulator: Simulator, traffic: Traffic
) -> None:
    simulator.faults(rules=[{"kind": "error", "status": 429, "retry_after_date": 60}])
    answer = gateway.chat(tenant, "come back in a minute", model=MODEL)
    assert answer.status_code == 503
    assert 50 <= int(answer.headers["retry-after"]) <= 61
    assert tries(simulator) == 1


def test_health_says_that_a_provider_is_degraded(
    gateway: Served, tenant: Tenant, simulator: Simulator, traffic: Traffic
) -> None:
    simulator.faults(error_rate=1.0, error_status=503, models=[MODEL])
    for number in range(4):
        gateway.chat(tenant, f"degraded {number}", model=MODEL)
        runtime.current().breakers.succeeded(MODEL)
    assert gateway.http.get("/health").json()["components"]["providers"]["openai"] == "degraded"
