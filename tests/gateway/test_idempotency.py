"""`Idempotency-Key`: the same request under the same key is answered once and charged once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from inference.models import IdempotentCall
from inference.tasks import clear_idempotent_calls
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.flaky_proxy import FlakyProxy

CHAT = "/v1/chat/completions"


def asked(text: str = "hello", **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-6-luna", "messages": [{"role": "user", "content": text}], **fields}


def post(
    gateway: Served, tenant: Tenant, body: dict[str, Any], *, key: str = "order-17", path: str = CHAT, **headers: str
) -> httpx.Response:
    """A call that no cache answers, so that only the key can keep it from being made twice."""
    sent = {**tenant.headers, "idempotency-key": key, "x-asahi-cache": "off", **headers}
    return gateway.http.post(path, json=body, headers=sent)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, asked()),
        ("/v1/messages", {**asked(), "model": "claude-haiku-5-5", "max_tokens": 20}),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hello"}),
        ("/v1/responses", {"model": "gpt-6-luna", "input": "hello"}),
        ("/infer", {"prompt": "hello", "model_override": "gpt-6-luna", "cache": "off"}),
    ],
)
def test_the_same_request_again_gets_the_saved_answer_for_nothing(
    gateway: Served, tenant: Tenant, simulator: Simulator, path: str, body: dict[str, Any]
) -> None:
    first, again = (post(gateway, tenant, body, path=path) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.headers["x-asahi-request-id"] == again.headers["x-asahi-request-id"]
    assert "x-asahi-idempotent-replay" not in first.headers
    assert again.headers["x-asahi-idempotent-replay"] == "true"
    assert len(simulator.calls()) == 1
    tenant.ledger(1)


def test_another_request_under_the_same_key_is_a_conflict_and_costs_nothing(gateway: Served, tenant: Tenant) -> None:
    post(gateway, tenant, asked("one"))
    other = post(gateway, tenant, asked("two"))
    assert other.status_code == 409
    error = other.json()["error"]
    assert (error["code"], error["param"]) == ("idempotency_conflict", "Idempotency-Key")
    assert "another request" in error["message"]
    tenant.ledger(1)


def test_a_conflict_speaks_anthropics_shape_on_its_path(gateway: Served, tenant: Tenant) -> None:
    body = {**asked(), "model": "claude-haiku-5-5", "max_tokens": 20}
    post(gateway, tenant, body, path="/v1/messages")
    other = post(gateway, tenant, {**body, "max_tokens": 21}, path="/v1/messages")
    assert other.status_code == 409
    assert other.json()["type"] == "error"
    assert other.json()["error"]["type"] == "invalid_request_error"


def test_one_organizations_keys_mean_nothing_to_another(gateway: Served, tenant: Tenant, make_tenant: Any) -> None:
    stranger = make_tenant()
    mine, theirs = post(gateway, tenant, asked("mine")), post(gateway, stranger, asked("theirs"))
    assert mine.status_code == theirs.status_code == 200
    assert mine.headers["x-asahi-request-id"] != theirs.headers["x-asahi-request-id"]
    stranger.ledger(1)


@pytest.mark.parametrize("stream", [False, True])
def test_attempts_beside_each_other_share_one_call(
    gateway: Served, tenant: Tenant, simulator: Simulator, stream: bool
) -> None:
    simulator.faults(latency_ms=300)

    async def attempts() -> list[httpx.Response]:
        headers = {**tenant.headers, "idempotency-key": "k", "x-asahi-cache": "off"}
        async with httpx.AsyncClient(base_url=gateway.http.base_url, timeout=30) as client:
            calls = [client.post(CHAT, json=asked(stream=stream), headers=headers) for _ in range(5)]
            return list(await asyncio.gather(*calls))

    answers = asyncio.run(attempts())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("x-asahi-idempotent-replay" in answer.headers for answer in answers) == 4
    assert len(simulator.calls()) == 1
    tenant.ledger(1)


def test_a_stream_is_replayed_as_it_was(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    first, again = (post(gateway, tenant, asked(stream=True)) for _ in range(2))
    assert first.text == again.text
    assert again.text.rstrip().endswith("data: [DONE]")
    assert again.headers["content-type"].startswith("text/event-stream")
    assert len(simulator.calls()) == 1


def test_an_answer_whose_client_left_is_there_for_its_next_attempt(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(latency_ms=800)
    headers = {"idempotency-key": "k", "x-asahi-cache": "off", **tenant.headers}
    with pytest.raises(httpx.ReadTimeout):
        gateway.http.post(CHAT, json=asked(), headers=headers, timeout=0.2)
    again = post(gateway, tenant, asked(), key="k")
    assert again.status_code == 200
    assert again.headers["x-asahi-idempotent-replay"] == "true"
    assert len(simulator.calls()) == 1
    (entry,) = tenant.ledger(1)
    assert entry.outcome == "ok"


def test_a_stream_whose_client_left_is_there_for_its_next_attempt(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(chunk_ms=50)
    headers = {"idempotency-key": "k", "x-asahi-cache": "off", **tenant.headers}
    with gateway.http.stream("POST", CHAT, json=asked(stream=True), headers=headers) as answer:
        next(answer.iter_lines())
    again = post(gateway, tenant, asked(stream=True), key="k")
    assert again.headers["x-asahi-idempotent-replay"] == "true"
    assert again.text.rstrip().endswith("data: [DONE]")
    (entry,) = tenant.ledger(1)
    assert entry.outcome == "ok"


def test_a_stream_whose_client_left_before_it_began_is_there_for_its_next_attempt(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(latency_ms=1000)
    headers = {"idempotency-key": "k", "x-asahi-cache": "off", **tenant.headers}
    with pytest.raises(httpx.ReadTimeout):
        gateway.http.post(CHAT, json=asked(stream=True), headers=headers, timeout=0.5)
    again = post(gateway, tenant, asked(stream=True), key="k")
    assert again.headers["x-asahi-idempotent-replay"] == "true"
    assert again.text.rstrip().endswith("data: [DONE]")
    assert len(simulator.calls()) == 1
    (entry,) = tenant.ledger(1)
    assert entry.outcome == "ok"


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_failed_begins_anew(gateway: Served, tenant: Tenant, simulator: Simulator, stream: bool) -> None:
    simulator.faults(error_rate=1.0)
    assert post(gateway, tenant, asked(stream=stream)).status_code == 503
    simulator.faults(error_rate=0.0)
    again = post(gateway, tenant, asked(stream=stream))
    assert again.status_code == 200
    assert "x-asahi-idempotent-replay" not in again.headers


def test_a_refused_request_begins_anew(gateway: Served, tenant: Tenant) -> None:
    assert post(gateway, tenant, asked(max_tokens="many")).status_code == 400
    assert post(gateway, tenant, asked()).status_code == 200


def test_a_claim_of_a_process_that_died_is_taken_over_by_the_same_request(gateway: Served, tenant: Tenant) -> None:
    post(gateway, tenant, asked())
    known = IdempotentCall.objects.for_org(tenant.org_id)
    known.update(answered_at=None, body=None, lease_until="2020-01-01T00:00:00Z")
    assert post(gateway, tenant, asked("other")).status_code == 409
    again = post(gateway, tenant, asked())
    assert again.status_code == 200
    assert "x-asahi-idempotent-replay" not in again.headers


def test_a_key_may_be_used_again_once_its_answer_is_forgotten(gateway: Served, tenant: Tenant) -> None:
    post(gateway, tenant, asked("one"))
    IdempotentCall.objects.for_org(tenant.org_id).update(expires_at="2020-01-01T00:00:00Z")
    again = post(gateway, tenant, asked("two"))
    assert again.status_code == 200
    assert "x-asahi-idempotent-replay" not in again.headers


@pytest.mark.parametrize("key", ["", "k" * 256, "schlüssel"])
def test_a_key_that_cannot_be_one_is_refused(gateway: Served, tenant: Tenant, key: str) -> None:
    answer = gateway.http.post(
        CHAT, json=asked(), headers=[*tenant.headers.items(), ("idempotency-key", key.encode("latin-1"))]
    )
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]["message"]
    tenant.ledger(0)


def test_neither_the_key_nor_the_answer_can_be_read_where_it_is_kept(gateway: Served, tenant: Tenant) -> None:
    answer = post(gateway, tenant, asked("a secret question"), key="a-secret-key")
    assert "a secret question" in answer.text
    (row,) = IdempotentCall.objects.for_org(tenant.org_id).values()
    kept = b"".join(value for value in row.values() if isinstance(value, bytes | memoryview))
    assert b"a-secret-key" not in kept
    assert b"a secret question" not in kept


@pytest.mark.parametrize("background", [False, True])
def test_a_response_under_a_key_is_made_once(gateway: Served, tenant: Tenant, background: bool) -> None:
    body = {"model": "gpt-6-luna", "input": "hello", "background": background}
    first, again = (post(gateway, tenant, body, path="/v1/responses") for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json()["id"] == again.json()["id"]
    assert post(gateway, tenant, {**body, "input": "bye"}, path="/v1/responses").status_code == 409


def a_batch(gateway: Served, tenant: Tenant, window: str = "24h") -> dict[str, Any]:
    lines = b'{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {}}'
    files = {"file": ("lines.jsonl", lines)}
    uploaded = gateway.http.post("/v1/files", headers=tenant.headers, data={"purpose": "batch"}, files=files)
    return {"input_file_id": uploaded.json()["id"], "endpoint": CHAT, "completion_window": window}


def test_a_batch_under_a_key_is_made_once(gateway: Served, tenant: Tenant) -> None:
    body = a_batch(gateway, tenant)
    first, again = (post(gateway, tenant, body, path="/v1/batches") for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["x-asahi-idempotent-replay"] == "true"
    assert post(gateway, tenant, {**body, "metadata": {"a": "b"}}, path="/v1/batches").status_code == 409
    listed = gateway.http.get("/v1/batches", headers=tenant.headers).json()["data"]
    assert [batch["id"] for batch in listed] == [first.json()["id"]]


def test_a_batch_that_was_refused_begins_anew_and_keys_of_others_are_no_matter(
    gateway: Served, tenant: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    assert post(gateway, tenant, a_batch(gateway, tenant, "1h"), path="/v1/batches").status_code == 400
    other = make_tenant()
    made = [post(gateway, one, a_batch(gateway, one), path="/v1/batches").json()["id"] for one in (tenant, other)]
    assert len(set(made)) == 2


def test_a_message_batch_under_a_key_is_made_once(gateway: Served, tenant: Tenant) -> None:
    path, params = "/v1/messages/batches", {**asked(), "model": "claude-haiku-5-5", "max_tokens": 20}
    bodies = [{"requests": [{"custom_id": name, "params": params}]} for name in ("a", "a", "b")]
    first, again, other = (post(gateway, tenant, body, path=path) for body in bodies)
    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 409)
    assert first.json()["id"] == again.json()["id"]
    assert other.json()["error"]["type"] == "invalid_request_error"
    assert len(gateway.http.get(path, headers=tenant.headers).json()["data"]) == 1


async def test_a_batch_asked_for_twice_at_once_is_made_once(gateway: Served, tenant: Tenant) -> None:
    body = a_batch(gateway, tenant)
    headers = {**tenant.headers, "idempotency-key": "k"}
    async with httpx.AsyncClient(base_url=gateway.http.base_url, timeout=30) as client:
        calls = [client.post("/v1/batches", json=body, headers=headers) for _ in range(8)]
        answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_what_has_expired_is_deleted_and_nothing_else(gateway: Served, tenant: Tenant) -> None:
    for key in ("old", "new"):
        post(gateway, tenant, asked(key), key=key)
    known = IdempotentCall.objects.for_org(tenant.org_id)
    known.filter(pk=known.order_by("expires_at").values("pk")[:1]).update(expires_at="2020-01-01T00:00:00Z")
    assert clear_idempotent_calls() >= 1
    assert post(gateway, tenant, asked("new"), key="new").headers["x-asahi-idempotent-replay"] == "true"
    assert known.count() == 1


def test_an_answer_that_could_not_be_kept_is_kept_once_postgres_is_back(
    gateway: Served, tenant: Tenant, simulator: Simulator, postgres_proxy: FlakyProxy
) -> None:
    simulator.faults(latency_ms=700)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(post, gateway, tenant, asked())
        time.sleep(0.3)
        with postgres_proxy.cut():
            assert first.result(30).status_code == 200
    deadline = time.monotonic() + 20
    while (again := post(gateway, tenant, asked())).status_code == 503:  # then it waits for what is owed
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert again.headers["x-asahi-idempotent-replay"] == "true"
    assert len(simulator.calls()) == 1
