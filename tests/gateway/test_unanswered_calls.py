"""A call that a provider does not answer in time: nobody is charged, and the receipt says what may have been used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from asahi_site import runtime
from inference import catalog
from inference.providers.upstream import Patience
from tests.gateway.conftest import Served, Simulator, Tenant

MODEL = "gpt-6-luna"


@pytest.fixture(autouse=True)
def impatient(gateway: Served) -> Iterator[None]:
    targets, quick = runtime.current().targets._targets, Patience(2.0, 0.3, 0.3)
    before = dict(targets)
    for name in before:
        targets[name] = {wire: replace(target, patience=quick) for wire, target in targets[name].items()}
    yield
    targets.update(before)
    breakers = runtime.current().breakers
    for model in catalog.registry().models:
        breakers.succeeded(model.id)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_call_that_is_not_answered_costs_nothing(
    gateway: Served, tenant: Tenant, simulator: Simulator, streamed: bool
) -> None:
    simulator.faults(hang_rate=1.0)
    answer = gateway.chat(tenant, "are you there?", model=MODEL, stream=streamed)
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "the provider did not answer in time"
    assert len(simulator.calls()) <= 1, "what may have been worked on is not repeated"
    (entry,) = tenant.ledger(1)
    assert (entry.cost_nano, entry.input_tokens, entry.output_tokens) == (0, 0, 0)
    (unconfirmed,) = entry.receipt["unconfirmed"]
    assert unconfirmed["model"] == MODEL
    assert unconfirmed["input_tokens"] > 0
    assert unconfirmed["nano"] == 100 * unconfirmed["input_tokens"]


def test_a_fallback_that_answers_is_charged_and_what_was_before_it_is_told(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    first = gateway.chat(tenant, "anybody", headers={"x-asahi-cache": "off"}).headers["x-asahi-model"]
    simulator.faults(hang_rate=1.0, models=[first])
    answer = gateway.chat(tenant, "anybody", headers={"x-asahi-cache": "off"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-asahi-model"] != first
    entry = tenant.ledger(2)[1]
    assert entry.cost_nano > 0
    assert entry.receipt["unconfirmed"][0]["model"] == first


def test_a_stream_that_falls_silent_is_charged_for_what_came(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(rules=[{"kind": "hang_after_chunks", "after_chunks": 2}])
    answer = gateway.chat(tenant, "tell me a long story", model=MODEL, stream=True, max_tokens=200)
    assert answer.status_code == 200
    assert "provider_failed" in answer.text
    (entry,) = tenant.ledger(1)
    assert entry.cost_nano > 0
    assert entry.usage_estimated
    assert "unconfirmed" not in entry.receipt
