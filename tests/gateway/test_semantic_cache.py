"""T2 through the gateway: the same question in other words, in the same scope, of the same organization."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from caching.calibration import Calibration
from caching.domain import StoreError
from caching.models import SemanticAnswer
from inference.semantic import stage
from tests.gateway.conftest import Served, Simulator, Tenant, events_of
from tests.gateway.flaky_proxy import FlakyProxy

ASKED = "How do I reset the password of my account?"
AGAIN = "How can I reset my account password?"
ANSWER = "Open the settings and choose Reset password."

MODEL = "gpt-6-luna"


@pytest.fixture(autouse=True)
def no_hit_is_sent_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some hits are sent on to be checked, by the luck of a request's digest."""
    monkeypatch.setattr(Calibration, "explores", lambda *_: False)


@pytest.fixture(autouse=True)
def nothing_is_sent_on_to_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_luck_of", lambda _: 0.999)


@pytest.fixture
def answered(gateway: Served, tenant: Tenant, simulator: Simulator) -> Simulator:
    """Somebody asked already, and T2 has learned the answer."""
    for text in (ASKED, AGAIN):
        simulator.record(MODEL, text, ANSWER)
    assert ask(gateway, tenant, ASKED).headers["x-asahi-cache"] == "miss"
    learned(tenant)
    return simulator


def learned(tenant: Tenant) -> None:
    """Wait until T2 keeps an answer."""
    deadline = time.monotonic() + 10
    while not SemanticAnswer.objects.for_org(tenant.org_id).exists():
        assert time.monotonic() < deadline, "T2 kept nothing"
        time.sleep(0.02)


def ask(gateway: Served, tenant: Tenant, text: str, **body: Any) -> httpx.Response:
    headers = {**tenant.headers, **body.pop("headers", {})}
    asked = {"model": MODEL, "messages": [*body.pop("before", []), {"role": "user", "content": text}], **body}
    answer = gateway.http.post("/v1/chat/completions", json=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def test_the_same_question_in_other_words_is_answered_from_t2(
    gateway: Served, tenant: Tenant, answered: Simulator
) -> None:
    calls = len(answered.calls())
    again = ask(gateway, tenant, AGAIN)
    assert again.headers["x-asahi-cache"] == "t2"
    assert again.json()["choices"][0]["message"]["content"] == ANSWER
    assert again.headers["x-asahi-cost"] == "0.000000000"
    assert len(answered.calls()) == calls
    first, second = tenant.ledger(2)
    assert (first.tier, second.tier, second.cost_nano) == (0, 2, 0)
    assert second.original_cost_nano == first.cost_nano
    receipt = gateway.http.get(f"/v1/receipts/{again.headers['x-asahi-request-id']}", headers=tenant.headers).json()
    assert "the same question" in receipt["stages"]["t2"]
    assert receipt["evidence"]["t2"]["similarity"] > 0.6


def test_it_is_replayed_as_a_stream_to_who_wants_one(gateway: Served, tenant: Tenant, answered: Simulator) -> None:
    again = ask(gateway, tenant, AGAIN, stream=True)
    assert again.headers["x-asahi-cache"] == "t2"
    text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events_of(again.text))
    assert text == ANSWER


@pytest.mark.parametrize(
    "other",
    [
        {"model": "gpt-6.1-terra"},
        {"before": [{"role": "system", "content": "Be brief."}]},
        {"before": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]},
        {"max_completion_tokens": 50},
        {"stop": ["."]},
        {"reasoning_effort": "low"},
    ],
)
def test_anything_else_that_differs_is_another_scope(
    gateway: Served, tenant: Tenant, answered: Simulator, other: dict[str, Any]
) -> None:
    assert ask(gateway, tenant, AGAIN, **other).headers["x-asahi-cache"] == "miss"


def test_one_character_of_the_instructions_makes_another_scope(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    before = [{"role": "system", "content": "You answer customers of a bank."}]
    ask(gateway, tenant, ASKED, before=before)
    learned(tenant)
    assert ask(gateway, tenant, AGAIN, before=before).headers["x-asahi-cache"] == "t2"
    changed = [{"role": "system", "content": "You answer customers of a bank!"}]
    assert ask(gateway, tenant, AGAIN, before=changed).headers["x-asahi-cache"] == "miss"


def test_another_organization_never_gets_it(gateway: Served, make_tenant: Any, answered: Simulator) -> None:
    assert ask(gateway, make_tenant(), AGAIN).headers["x-asahi-cache"] == "miss"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("How do I not reset the password of my account?", "negation"),
        ("How do I reset the PIN of my account?", None),
        ("What is the weather like in Paris today?", "about now"),
        ("hello", "short|small talk"),
    ],
)
def test_a_question_that_means_something_else_is_not_answered(
    gateway: Served, tenant: Tenant, answered: Simulator, text: str, why: str | None
) -> None:
    assert ask(gateway, tenant, text).headers["x-asahi-cache"] == "miss"


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ({"headers": {"x-asahi-cache": "exact"}}, "only exact repeats are wanted"),
        ({"headers": {"x-asahi-cache": "off"}}, "switched off for this request"),
        ({"headers": {"cache-control": "no-cache"}}, "switched off for this request"),
        ({"n": 2}, "asks for several answers"),
    ],
)
def test_who_does_not_want_it_does_not_get_it_and_the_receipt_says_why(
    gateway: Served, tenant: Tenant, answered: Simulator, body: dict[str, Any], note: str
) -> None:
    answer = ask(gateway, tenant, AGAIN, **body)
    assert answer.headers["x-asahi-cache"] == "miss"
    assert tenant.ledger(2)[-1].receipt["stages"]["t2"] == note


def test_an_organization_may_switch_it_off(gateway: Served, tenant: Tenant, answered: Simulator) -> None:
    tenant.policy(semantic_cache_enabled=False)
    assert ask(gateway, tenant, AGAIN).headers["x-asahi-cache"] == "miss"
    tenant.policy(semantic_cache_enabled=True)
    assert ask(gateway, tenant, AGAIN.replace("can I", "could I")).headers["x-asahi-cache"] == "t2"


def test_raising_the_epoch_forgets_everything_at_once(gateway: Served, tenant: Tenant, answered: Simulator) -> None:
    tenant.policy(cache_epoch=1)
    assert ask(gateway, tenant, AGAIN).headers["x-asahi-cache"] == "miss"
    assert ask(gateway, tenant, ASKED).headers["x-asahi-cache"] != "t1"


def test_a_store_that_does_not_answer_holds_a_request_up_once(
    gateway: Served, tenant: Tenant, answered: Simulator, postgres_proxy: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stage._LEFT_OUT_SECONDS, StoreError, 1.0)
    with postgres_proxy.frozen():
        assert ask(gateway, tenant, AGAIN).headers["x-asahi-cache"] == "miss"
        assert ask(gateway, tenant, "How do I open an account with you?").headers["x-asahi-cache"] == "miss"
    notes = [entry.receipt["stages"]["t2"] for entry in tenant.ledger(3)]
    assert notes[1:] == ["left out: it did not answer in time"] * 2
    time.sleep(1.1)
    assert ask(gateway, tenant, AGAIN.replace("can I", "could I")).headers["x-asahi-cache"] == "t2"


def test_thirty_turns_of_a_tool_loop_are_never_replayed(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    turns: list[dict[str, Any]] = [{"role": "user", "content": "Watch the queue until it is empty."}]
    for turn in range(30):
        call = {"id": f"call_{turn}", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        turns += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"call_{turn}", "content": "3 left"},
        ]
        for _ in range(2):  # an agent that was restarted asks the very same again
            answer = gateway.http.post(
                "/v1/chat/completions",
                json={"model": "gpt-5.4-mini", "messages": turns, "tools": [tool]},
                headers=tenant.headers,
            )
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-asahi-cache"] == "miss"
    assert len(simulator.calls()) == 60
