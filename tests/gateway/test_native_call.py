"""`/infer`: its streams say when an answer broke off, and it takes nothing that it does not act on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from asahi_site import runtime
from inference.api.native_schema import InferAnswer
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.raw_provider import ANSWER, GOOD_STREAM, RawProvider, chunk, event, in_place_of, stream

MISTRAL = "mistral-large-4"


@pytest.fixture
def raw(gateway: Served) -> Iterator[RawProvider]:
    with in_place_of("mistral") as provider:
        yield provider
    runtime.current().breakers.succeeded(MISTRAL)


def _stream(gateway: Served, tenant: Tenant, model: str = MISTRAL) -> list[tuple[str, dict[str, Any]]]:
    """The events of a native stream: name and data."""
    body = {"prompt": "tell me a long story", "stream": True, "model_override": model}
    answer = gateway.http.post("/infer", json=body, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    events = [event.split("\n") for event in answer.text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in events]


def test_a_whole_stream_ends_in_its_result(gateway: Served, tenant: Tenant, raw: RawProvider) -> None:
    raw.answers(stream(*GOOD_STREAM))
    *deltas, (name, result) = _stream(gateway, tenant)
    assert name == "result"
    assert "".join(delta["text"] for _, delta in deltas) == result["response"] == "hello there"
    assert result["tokens_output"] == 2


def test_a_stream_that_breaks_ends_in_an_error_and_no_result(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(half_stream_rate=1.0)
    events = _stream(gateway, tenant, "gpt-6-luna")
    assert [name for name, _ in events].count("result") == 0
    name, said = events[-1]
    assert name == "error"
    assert said["error"]["type"] == "provider_failed"
    assert said["error"]["message"]
    assert said["error"]["request_id"].startswith("req_")
    assert tenant.ledger(1)[0].outcome == "provider_error"


def test_an_error_that_a_provider_streams_is_passed_on_as_one(
    gateway: Served, tenant: Tenant, raw: RawProvider
) -> None:
    failing = event({"error": {"message": "out of capacity", "code": 529}})
    raw.answers(stream(chunk("hello"), failing, event(b"[DONE]")))
    events = _stream(gateway, tenant)
    assert [name for name, _ in events] == ["delta", "error"]
    assert events[-1][1]["error"]["message"] == "out of capacity"


@pytest.mark.parametrize(
    "odd",
    [
        event(b'{"choices": [null]}'),
        event(b'{"choices": [{"delta": {"content": 7}}]}'),
        event(b'{"choices": {"0": 1}}'),
        event(b"{not json"),
        event(b"\xff\xfe"),
    ],
)
def test_an_event_that_makes_no_sense_does_not_end_a_stream(
    gateway: Served, tenant: Tenant, raw: RawProvider, odd: bytes
) -> None:
    raw.answers(stream(chunk("hello"), odd, chunk(" there"), chunk(None, usage=ANSWER["usage"]), event(b"[DONE]")))
    events = _stream(gateway, tenant)
    assert [name for name, _ in events] == ["delta", "delta", "result"]
    assert events[-1][1]["response"] == "hello there"


def test_an_organization_is_not_taken_where_nothing_would_come_of_it(gateway: Served, tenant: Tenant) -> None:
    body = {"prompt": "hello", "organization_id": "acme"}
    answer = gateway.http.post("/infer", json=body, headers=tenant.headers)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["details"]["param"] == "organization_id"
    assert "not configured" in error["message"]


def test_the_user_of_a_native_call_is_recorded(gateway: Served, tenant: Tenant) -> None:
    body = {"prompt": "hello", "user_id": "user-7", "max_tokens": 8}
    assert gateway.http.post("/infer", json=body, headers=tenant.headers).status_code == 200
    assert tenant.ledger(1)[0].end_user == "user-7"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": 7}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x", "tags": ["a", 1]}, "tags[1]"),
        ({"prompt": "x", "latency_budget_ms": 0}, "latency_budget_ms"),
        ({"prompt": "x", "temperature": 1}, "temperature"),
        ({"prompt": "x", "workflow": {"mode": "select", "depth": 1}}, "workflow.depth"),
        ({"prompt": "x", "routing_mode": "magic"}, "routing_mode"),
        ({"prompt": "x", "cost_budget": -1}, "cost_budget"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "messages[0].role"),
    ],
)
def test_what_a_native_call_cannot_be_is_named_by_its_field(
    gateway: Served, tenant: Tenant, body: dict[str, Any], param: str
) -> None:
    answer = gateway.http.post("/infer", json=body, headers=tenant.headers)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert set(error) == {"type", "message", "request_id", "details"}
    assert error["type"] == "validation_error"
    assert (error["details"]["param"], "$" in error["message"]) == (param, False)
    tenant.ledger(0)


def test_a_bare_prompt_is_all_that_a_native_call_needs_and_its_answer_has_every_field(
    gateway: Served, tenant: Tenant
) -> None:
    answer = gateway.http.post("/infer", json={"prompt": "Say good morning."}, headers=tenant.headers)
    assert answer.status_code == 200
    assert set(answer.json()) == set(InferAnswer.model_fields)
