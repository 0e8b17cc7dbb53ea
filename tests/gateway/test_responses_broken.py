"""Responses whose provider breaks, whose client leaves, or whose request cannot be served."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import APIStatusError, OpenAI

from analytics.models import LedgerEntry
from asahi_site import runtime
from governance.domain import Scope
from tests.gateway.conftest import Served, Simulator, Tenant, events_of
from tests.gateway.raw_provider import RawProvider, in_place_of, stream, whole

MODEL, MISTRAL = "gpt-6-luna", "mistral-large-4"
ITEM = {"id": "msg_u", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": "hello there", "annotations": [], "logprobs": []}]}  # fmt: skip
BODY: dict[str, Any] = {
    "id": "resp_upstream", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [ITEM],
    "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
    "tool_choice": "auto", "tools": [], "temperature": 1.0, "top_p": 1.0,
    "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7,
              "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
}  # fmt: skip


def event(kind: str, number: int, **fields: Any) -> bytes:
    told = {"type": kind, "sequence_number": number, **fields}
    return f"event: {kind}\ndata: {json.dumps(told)}\n\n".encode()


BEGUN = {**BODY, "status": "in_progress", "output": [], "usage": None}
EVENTS = (
    event("response.created", 0, response=BEGUN),
    event("response.in_progress", 1, response=BEGUN),
    event("response.output_item.added", 2, output_index=0, item={**ITEM, "content": [], "status": "in_progress"}),
    event("response.output_text.delta", 3, item_id="msg_u", output_index=0, content_index=0, delta="hello there",
          logprobs=[]),
    event("response.output_item.done", 4, output_index=0, item=ITEM),
)  # fmt: skip
LAST = event("response.completed", 5, response=BODY)


@pytest.fixture
def raw(gateway: Served) -> Iterator[RawProvider]:
    with in_place_of("openai") as provider:
        yield provider
    runtime.current().breakers.succeeded(MODEL)


@pytest.fixture
def client(gateway: Served, tenant: Tenant) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key, max_retries=0) as client:
        yield client


def streamed(gateway: Served, tenant: Tenant, prompt: str, **fields: Any) -> list[dict[str, Any]]:
    body = {"model": MODEL, "input": prompt, "stream": True, **fields}
    answer = gateway.http.post("/v1/responses", json=body, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    return events_of(answer.text)


def test_a_good_stream_is_relayed_under_an_id_of_ours_everywhere(
    gateway: Served, tenant: Tenant, raw: RawProvider
) -> None:
    raw.answers(stream(*EVENTS, LAST))
    events = streamed(gateway, tenant, "good")
    ids = {said["response"]["id"] for said in events if "response" in said}
    assert len(ids) == 1
    assert "resp_upstream" not in json.dumps(events)
    assert [said["type"] for said in events][-1] == "response.completed"
    assert tenant.ledger(1)[0].output_tokens == 2


def test_what_goes_up_is_the_whole_conversation_and_nothing_to_keep(client: OpenAI, raw: RawProvider) -> None:
    sealed = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    raw.answers(whole({**BODY, "output": [sealed, ITEM]}))
    first = client.responses.create(model=MODEL, input="one", metadata={"a": "b"})
    client.responses.create(model=MODEL, input="two", previous_response_id=first.id, background=False)
    sent = raw.seen[-1].body
    assert [item.get("content") or item["type"] for item in sent["input"]] == [
        "one", "reasoning", ITEM["content"], "two",
    ]  # fmt: skip
    assert sent["input"][1]["encrypted_content"] == "sealed"
    assert sent["store"] is False
    assert sent["include"] == ["reasoning.encrypted_content"]
    assert not {"previous_response_id", "metadata", "background"} & sent.keys()
    assert first.id not in json.dumps(sent)


@pytest.mark.parametrize("pieces", [EVENTS, EVENTS[:4]])
def test_a_stream_that_breaks_off_ends_in_a_failed_response_and_is_billed(
    gateway: Served, tenant: Tenant, client: OpenAI, raw: RawProvider, pieces: tuple[bytes, ...]
) -> None:
    raw.answers(stream(*pieces))
    events = streamed(gateway, tenant, f"break off after {len(pieces)}")
    assert [said["type"] for said in events[-2:]] == ["error", "response.failed"]
    assert [said["sequence_number"] for said in events] == list(range(len(events)))
    failed = events[-1]["response"]
    assert failed["error"]["code"] == "server_error"
    assert client.responses.retrieve(failed["id"]).status == "failed"
    with pytest.raises(APIStatusError) as refused:
        client.responses.create(model=MODEL, input="go on", previous_response_id=failed["id"])
    assert refused.value.code == "previous_response_not_found"
    [entry] = tenant.ledger(1)
    assert entry.outcome == "provider_error"
    assert entry.output_tokens > 0
    assert entry.usage_estimated


def test_a_failure_that_the_provider_tells_is_passed_on_once(gateway: Served, tenant: Tenant, raw: RawProvider) -> None:
    failed = {**BODY, "status": "failed", "output": [], "error": {"code": "server_error", "message": "no"}}
    raw.answers(stream(*EVENTS[:2], event("response.failed", 2, response=failed)))
    events = streamed(gateway, tenant, "fails by itself")
    assert [said["type"] for said in events] == ["response.created", "response.in_progress", "response.failed"]
    assert events[-1]["response"]["id"] == events[0]["response"]["id"] != "resp_upstream"
    assert tenant.ledger(1)[0].outcome == "provider_error"


def test_an_error_event_of_the_provider_ends_in_a_failed_response(
    gateway: Served, tenant: Tenant, raw: RawProvider
) -> None:
    raw.answers(stream(*EVENTS[:4], event("error", 4, code="server_error", message="sorry", param=None)))
    events = streamed(gateway, tenant, "error in the middle")
    assert [said["type"] for said in events[-2:]] == ["error", "response.failed"]
    assert events[-1]["response"]["error"]["message"] == "sorry"


@pytest.mark.parametrize(
    "answer", [{**BODY, "status": "failed", "output": [], "error": {"code": "server_error", "message": "no"}}, [1], "x"]
)
def test_what_is_no_response_is_a_failure_and_costs_nothing(
    gateway: Served, tenant: Tenant, raw: RawProvider, answer: Any
) -> None:
    raw.answers(whole(answer))
    body = {"model": MODEL, "input": f"no answer {answer!r}"[:60]}
    refused = gateway.http.post("/v1/responses", json=body, headers=tenant.headers)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "provider_failed"
    assert tenant.ledger(1)[0].cost_nano == 0


ODD: list[dict[str, Any]] = [
    {"usage": BODY["usage"]},
    {**BODY, "output": "x"},
    {**BODY, "output": [1, None]},
    {**BODY, "status": "a status of no known kind"},
    {**BODY, "output": None},
]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_answer_reaches_the_caller_and_breaks_nothing(
    gateway: Served, tenant: Tenant, raw: RawProvider, odd: dict[str, Any]
) -> None:
    raw.answers(whole(odd))
    body = {"model": MODEL, "input": f"odd {len(json.dumps(odd))}"}
    for _ in range(2):
        answer = gateway.http.post("/v1/responses", json=body, headers=tenant.headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"].startswith("resp_")
    if answer.headers["x-asahi-cache"] == "t1":
        assert streamed(gateway, tenant, body["input"])[-1]["type"] == "response.completed"
    follow = {**body, "previous_response_id": answer.json()["id"]}
    assert gateway.http.post("/v1/responses", json=follow, headers=tenant.headers).status_code in (200, 400)


def test_leaving_a_stream_cancels_the_provider_and_keeps_nothing(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(chunk_ms=50)
    body = {"model": MODEL, "input": "Write long", "stream": True, "max_output_tokens": 400}
    with gateway.http.stream("POST", "/v1/responses", json=body, headers=tenant.headers) as answer:
        for number, _ in enumerate(answer.iter_raw()):
            if number == 10:
                break
    left_at = time.monotonic()
    while not (calls := simulator.calls()):
        assert time.monotonic() - left_at < 1.5, "the provider was not told within a second"
        time.sleep(0.02)
    assert calls[0]["outcome"] == "client_disconnect"
    [entry] = tenant.ledger(1)
    assert (entry.outcome, entry.usage_estimated) == ("client_disconnect", True)
    assert entry.output_tokens > 0


def test_an_idempotent_response_is_made_once_and_has_one_id(gateway: Served, tenant: Tenant) -> None:
    body = {"model": MODEL, "input": "only once"}
    headers = {**tenant.headers, "idempotency-key": "once", "x-asahi-cache": "off"}
    answers = [gateway.http.post("/v1/responses", json=body, headers=headers).json()["id"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(tenant.ledger(1)) == 1


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": MODEL}, 400, "input"),
        ({"model": MODEL, "input": 3}, 400, "input"),
        ({"model": MODEL, "input": "x", "previous_response_id": "resp_\u0000"}, 400, "previous_response_id"),
        ({"model": MODEL, "input": "x", "previous_response_id": "r" * 5000}, 400, "previous_response_id"),
        ({"model": MODEL, "input": "x", "previous_response_id": ""}, 400, "previous_response_id"),
        ({"model": MODEL, "input": [{"type": "item_reference", "id": "msg_\u0000"}]}, 400, "input[0].id"),
        ({"model": MODEL, "input": "x", "conversation": "c"}, 400, "conversation"),
        ({"model": "no-such-model", "input": "x"}, 404, None),
        ({"model": MISTRAL, "input": "x", "tools": [{"type": "web_search"}]}, 400, "tools[0].type"),
        ({"model": "claude-haiku-5-5", "input": [{"role": "assistant", "content": "x"}]}, 400, "input"),
    ],
)
def test_bad_input_is_refused_in_openais_shape_and_costs_nothing(
    gateway: Served, tenant: Tenant, body: dict[str, Any], status: int, param: str | None
) -> None:
    answer = gateway.http.post("/v1/responses", json=body, headers=tenant.headers)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    time.sleep(0.2)
    assert all(entry.cost_nano == 0 for entry in LedgerEntry.objects.for_org(tenant.org_id))


@pytest.mark.parametrize(
    "path", ["/v1/responses/resp_%00", "/v1/responses/" + "r" * 3000, "/v1/responses/resp_x/input_items?limit=0"]
)
def test_odd_paths_are_errors_in_openais_shape(gateway: Served, tenant: Tenant, path: str) -> None:
    answer = gateway.http.get(path, headers=tenant.headers)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_key_that_may_not_infer_reads_no_responses(gateway: Served, make_tenant: Any) -> None:
    tenant = make_tenant(scopes=(Scope.ANALYTICS,))
    assert gateway.http.get("/v1/responses/resp_x", headers=tenant.headers).status_code == 403
    assert httpx.get(f"{gateway.url}/v1/responses/resp_x").status_code == 401
