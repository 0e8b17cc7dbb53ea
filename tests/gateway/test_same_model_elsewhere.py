"""A named model that does not begin to answer may be answered by the same model elsewhere, if that is configured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from asahi_site import runtime
from inference import gateway as installed
from inference.domain import Model
from tests.gateway.conftest import Served, Simulator, Tenant

NAMED, DOUBLE = "gpt-oss-120b", "gpt-oss-120b-cerebras"


@pytest.fixture
def model(gateway: Served) -> Iterator[Model]:
    """The named one, with a chain as an operator would write it: its double, and a model that is another."""
    names = installed.current().registry._names
    before = names[NAMED]
    names[NAMED] = replace(before, fallbacks=(DOUBLE, "gpt-6-luna"))
    yield before
    names[NAMED] = before
    runtime.current().breakers.succeeded(NAMED)


@pytest.mark.parametrize("streamed", [False, True])
def test_its_double_answers_and_the_answer_says_so(
    gateway: Served, tenant: Tenant, simulator: Simulator, model: Model, streamed: bool
) -> None:
    simulator.faults(error_rate=1.0, error_status=500, models=[model.upstream_id])
    answer = gateway.chat(tenant, f"whoever has it {streamed}", model=NAMED, stream=streamed)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-asahi-model"] == DOUBLE
    said = f"explicit: {NAMED}, as named; {NAMED} did not answer, {DOUBLE} did"
    assert answer.headers["x-asahi-routing-reason"] == said
    (entry,) = tenant.ledger(1)
    assert (entry.model, entry.provider, entry.routing_reason) == (DOUBLE, "cerebras", said)
    assert (entry.requested_model, entry.baseline_model) == (NAMED, NAMED)
    assert entry.cost_nano > 0


def test_another_model_in_the_chain_does_not(
    gateway: Served, tenant: Tenant, simulator: Simulator, model: Model
) -> None:
    simulator.faults(error_rate=1.0, error_status=500, models=[model.upstream_id, "gpt-oss-120b"])
    answer = gateway.chat(tenant, "this one only", model=NAMED)
    assert answer.status_code == 503
    assert {call["model"] for call in simulator.calls()} <= {model.upstream_id, "gpt-oss-120b"}
    runtime.current().breakers.succeeded(DOUBLE)


def test_after_the_first_byte_nobody_else_answers(
    gateway: Served, tenant: Tenant, simulator: Simulator, model: Model
) -> None:
    simulator.faults(half_stream_rate=1.0, models=[model.upstream_id])
    answer = gateway.chat(tenant, "half of it", model=NAMED, stream=True)
    assert answer.status_code == 200
    assert answer.headers["x-asahi-model"] == NAMED
    assert "provider_failed" in answer.text
    assert [call["model"] for call in simulator.calls()] == [model.upstream_id]
