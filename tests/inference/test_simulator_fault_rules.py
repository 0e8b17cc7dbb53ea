"""Errors before any work, and which calls a fault rule meets."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from inference.simulator.faults import FaultPlan, FaultRule, FaultSwitch, Trouble
from tests.inference.simulator_calls import BEARER, MODEL, chat, only_call
from tests.inference.simulator_process import RunningSimulator


@pytest.mark.parametrize("given", [3, 0.5, "86400000", "soon"])
def test_retry_after_is_sent_as_it_was_asked_for(simulator: RunningSimulator, given: Any) -> None:
    simulator.spoil("error", status=429, retry_after=given)
    response = chat(simulator)

    assert (response.status_code, response.headers["retry-after"]) == (429, str(given))


def test_retry_after_may_be_a_date_or_missing(simulator: RunningSimulator) -> None:
    simulator.spoil("error", status=429, retry_after_date=30)
    until = parsedate_to_datetime(chat(simulator).headers["retry-after"]).timestamp()
    assert 25 < until - time.time() < 35

    simulator.spoil("error", status=429)
    assert "retry-after" not in chat(simulator).headers


@pytest.mark.parametrize("status", [500, 502, 503, 529])
def test_any_error_status_comes_before_any_work(simulator: RunningSimulator, status: int) -> None:
    simulator.spoil("error", status=status)

    assert chat(simulator).status_code == status
    call = only_call(simulator)
    assert (call["worked_input_tokens"], call["worked_output_tokens"], call["fault"]) == (0, 0, "error")


def test_a_redirect_points_to_another_host(simulator: RunningSimulator) -> None:
    simulator.spoil("redirect", location="http://127.0.0.1:1/v1")
    response = chat(simulator)

    assert (response.status_code, response.headers["location"]) == (302, "http://127.0.0.1:1/v1")
    simulator.spoil("redirect", status=307)
    assert chat(simulator).status_code == 307


def test_each_rule_has_its_own_count_and_models(simulator: RunningSimulator) -> None:
    simulator.disturb(
        rules=[
            {"kind": "error", "status": 503, "times": 1, "models": [MODEL]},
            {"kind": "error", "status": 429, "times": 2},
        ]
    )

    asked = ["gpt-5.4-mini", MODEL, MODEL, MODEL]
    assert [chat(simulator, model=model).status_code for model in asked] == [429, 503, 429, 200]
    assert simulator.stats()["faults"] == {"error": 3}


def test_a_rule_s_rate_is_a_share_of_the_calls() -> None:
    def hits(seed: int) -> list[Trouble]:
        switch = FaultSwitch(base=FaultPlan(), seed=seed)
        switch.set(FaultPlan(rules=(FaultRule(Trouble.DRIP, rate=0.25),)))
        return [switch.next_for(MODEL).trouble for _ in range(400)]

    assert hits(1) == hits(1) != hits(2)
    assert 70 <= hits(1).count(Trouble.DRIP) <= 130


def test_a_rule_for_a_path_meets_free_calls_too(simulator: RunningSimulator) -> None:
    simulator.spoil("error", status=500, paths=["/v1/models"])

    assert httpx.get(f"{simulator.url}/openai/v1/models", headers=BEARER).status_code == 500
    assert chat(simulator).status_code == 200
    simulator.spoil("garbage")
    assert httpx.get(f"{simulator.url}/openai/v1/models", headers=BEARER).json()["data"]
    simulator.spoil("garbage", paths=["/v1/models"])
    with pytest.raises(ValueError, match="Expecting"):
        httpx.get(f"{simulator.url}/openai/v1/models", headers=BEARER).json()
