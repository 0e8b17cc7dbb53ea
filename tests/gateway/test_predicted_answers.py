"""Predicted answers: what of a prediction does not come true is written by the provider all the same, and paid for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.conftest import Served, Simulator, Tenant

MODEL = "gpt-4o-mini"
WRONG = "entirely other words than those that will come " * 40


def guess(text: str) -> dict[str, object]:
    return {"type": "content", "content": text}


@pytest.mark.parametrize("stream", [False, True])
def test_what_was_predicted_wrongly_is_billed_as_output(
    gateway: Served, tenant: Tenant, simulator: Simulator, stream: bool
) -> None:
    answer = gateway.chat(tenant, "say it", model=MODEL, prediction=guess(WRONG), stream=stream)
    assert answer.status_code == 200, answer.text
    (call,) = simulator.calls()
    (entry,) = tenant.ledger(1)
    assert entry.output_tokens == call["output_tokens"] > 300


def test_what_was_predicted_rightly_costs_nothing_more(gateway: Served, tenant: Tenant) -> None:
    said = gateway.chat(tenant, "say it", model=MODEL).json()
    text, written = said["choices"][0]["message"]["content"], said["usage"]["completion_tokens"]
    told = gateway.chat(tenant, "say it", model=MODEL, prediction=guess(text)).json()["usage"]
    assert told["completion_tokens"] == written
    details = told["completion_tokens_details"]
    assert (details["accepted_prediction_tokens"], details["rejected_prediction_tokens"]) == (written, 0)


def test_a_prediction_is_reserved_as_output(gateway: Served, tenant: Tenant) -> None:
    """The cap allows the prompt and a short answer; it would not hold if the prediction came to nothing."""
    capped: dict[str, Any] = {"headers": {"x-asahi-max-cost": "0.0005"}, "model": MODEL, "max_tokens": 10}
    assert gateway.chat(tenant, "say it", **capped).status_code == 200
    long = gateway.chat(tenant, "say it", prediction=guess(WRONG), **capped)
    assert long.status_code == 403
    assert "cost cap" in long.json()["error"]["message"]


@pytest.mark.parametrize("odd", ["text", 7, ["x"], {"type": "content"}, {"type": "content", "content": 7}])
def test_a_prediction_of_an_odd_type_breaks_nothing(gateway: Served, tenant: Tenant, odd: object) -> None:
    assert gateway.chat(tenant, "say it", model=MODEL, prediction=odd).status_code in (200, 400)
