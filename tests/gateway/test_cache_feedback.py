"""From an answer out of T2 to `this was wrong`, and what is answered then."""

from __future__ import annotations

import time
from typing import Any

import pytest

from caching.calibration import Calibration
from caching.models import CalibrationState, SemanticAnswer
from tests.gateway.conftest import Served, Simulator, Tenant

MODEL = "gpt-6-luna"
ASKED, AGAIN = "How do I change the PIN of my new card?", "How can I change my new card's PIN?"


def ask(gateway: Served, tenant: Tenant, text: str) -> Any:
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    answer = gateway.http.post("/v1/chat/completions", json=body, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    return answer


def kept(tenant: Tenant) -> None:
    deadline = time.monotonic() + 10
    while not SemanticAnswer.objects.for_org(tenant.org_id).exists():
        assert time.monotonic() < deadline, "T2 kept nothing"
        time.sleep(0.02)


def judge(gateway: Served, tenant: Tenant, answer: Any) -> Any:
    body = {"request_id": answer.headers["x-asahi-request-id"], "wrong": True}
    return gateway.http.post("/cache/feedback", json=body, headers=tenant.headers)


def test_an_answer_that_was_wrong_is_not_given_again(
    gateway: Served, tenant: Tenant, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Calibration, "explores", lambda *_: False)  # a few hits are checked instead of served
    for text in (ASKED, AGAIN):
        simulator.record(MODEL, text, "Open the app, choose the card, then PIN.")
    ask(gateway, tenant, ASKED)
    kept(tenant)
    wrong = ask(gateway, tenant, AGAIN)
    assert wrong.headers["x-asahi-cache"] == "t2"
    tenant.ledger(2)
    said = judge(gateway, tenant, wrong)
    assert said.status_code == 200, said.text
    assert (said.json()["removed"], said.json()["taught"]) == (True, True)
    assert CalibrationState.objects.for_org(tenant.org_id).exists()
    assert ask(gateway, tenant, AGAIN).headers["x-asahi-cache"] == "miss"


def test_an_exact_repeat_that_was_wrong_is_asked_anew(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    ask(gateway, tenant, ASKED)
    repeat = ask(gateway, tenant, ASKED)
    assert repeat.headers["x-asahi-cache"] == "t1"
    tenant.ledger(2)
    assert judge(gateway, tenant, repeat).json()["removed"] is True
    assert ask(gateway, tenant, ASKED).headers["x-asahi-cache"] != "t1"
