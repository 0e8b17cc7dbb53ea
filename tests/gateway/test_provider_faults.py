"""What providers do wrong: the caller gets a clear answer or somebody else's, and pays only for what was answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from asahi_site import runtime
from inference import catalog
from tests.gateway.conftest import Served, Simulator, Tenant, events_of


@pytest.fixture(autouse=True)
def closed_breakers(gateway: Served) -> Iterator[None]:
    yield
    breakers = runtime.current().breakers
    for name in (*breakers.open_now(), *(model.id for model in catalog.registry().models)):
        breakers.succeeded(name)


def test_a_passing_fault_is_tried_again(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    simulator.faults(error_rate=1.0, error_status=503, times=1)
    assert gateway.chat(tenant, "try again", model="gpt-6-luna").status_code == 200
    assert len(tenant.ledger(1)) == 1


def test_autopilot_falls_back_to_another_model(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    first = gateway.chat(tenant, "who would answer", headers={"x-asahi-cache": "off"}).headers["x-asahi-model"]
    simulator.faults(error_rate=1.0, error_status=500, models=[first])
    answer = gateway.chat(tenant, "who would answer", headers={"x-asahi-cache": "off"})
    assert answer.status_code == 200
    assert answer.headers["x-asahi-model"] != first


def test_an_explicit_model_is_never_swapped(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    simulator.faults(error_rate=1.0, error_status=500, models=["gpt-6.1-terra"])
    answer = gateway.chat(tenant, "this one only", model="gpt-6.1-terra")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "provider_failed"
    entry = tenant.ledger(1)[0]
    assert (entry.cost_nano, entry.outcome) == (0, "provider_error")


@pytest.mark.parametrize("stream", [False, True])
def test_garbage_is_an_error_and_costs_nothing(
    gateway: Served, tenant: Tenant, simulator: Simulator, stream: bool
) -> None:
    simulator.faults(garbage_rate=1.0)
    answer = gateway.chat(tenant, f"garbage {stream}", model="gpt-6-luna", stream=stream)
    assert answer.status_code == 503
    assert tenant.ledger(1)[0].cost_nano == 0


def test_a_stream_that_breaks_ends_in_an_error_event_and_is_billed_for_what_came(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(half_stream_rate=1.0)
    answer = gateway.chat(tenant, "tell me half", model="gpt-6-luna", stream=True)
    assert answer.status_code == 200
    *chunks, last = events_of(answer.text)
    assert chunks
    assert last["error"]["code"] == "provider_failed"
    assert "[DONE]" not in answer.text
    entry = tenant.ledger(1)[0]
    assert (entry.outcome, entry.usage_estimated) == ("provider_error", True)
    assert 0 < entry.output_tokens <= simulator.calls()[-1]["output_tokens"]
    simulator.faults(half_stream_rate=0.0)
    again = gateway.chat(tenant, "tell me half", model="gpt-6-luna", stream=True)
    assert again.headers["x-asahi-cache"] == "miss", "half an answer is never cached"


def test_a_request_the_provider_rejects_is_passed_on_in_its_words(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    fields: dict[str, Any] = {"tools": [{"type": "function", "function": {"name": "not a valid name!"}}]}
    answer = gateway.chat(tenant, "hello", model="gpt-6-luna", **fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert tenant.ledger(1)[0].cost_nano == 0


def test_after_a_run_of_failures_a_model_is_left_alone(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    simulator.faults(error_rate=1.0, error_status=500, models=["gpt-6-luna"])
    for number in range(3):
        gateway.chat(tenant, f"failing {number}", model="gpt-6-luna")
    before = len(simulator.calls())
    answer = gateway.chat(tenant, "one more", model="gpt-6-luna")
    assert answer.status_code == 503
    assert len(simulator.calls()) == before


def test_a_model_left_alone_is_refused_by_name_and_its_provider_goes_on(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    for _ in range(5):
        runtime.current().breakers.failed("gpt-6-luna")
    answer = gateway.chat(tenant, "the failing one", model="gpt-6-luna")
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "gpt-6-luna cannot be called now: it keeps failing."
    assert not simulator.calls()
    assert gateway.chat(tenant, "its neighbour", model="gpt-6.1-terra").status_code == 200
    assert gateway.chat(tenant, "whichever").headers["x-asahi-model"] != "gpt-6-luna"
    assert gateway.http.get("/health").json()["components"]["providers"]["openai"] == "failing"
