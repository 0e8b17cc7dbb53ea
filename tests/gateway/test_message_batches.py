"""Batches of messages, through Anthropic's own client."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import anthropic
import pytest
from anthropic.types.messages import MessageBatch
from django.utils import timezone

from inference.batches.inline import BadRequests, Requests
from inference.models import Batch, StoredFile
from tests.gateway.batching import Desk, went_at_batch_price
from tests.gateway.conftest import Served, Tenant


@pytest.fixture
def connect(gateway: Served) -> Iterator[Callable[[Tenant], anthropic.Anthropic]]:
    opened: list[anthropic.Anthropic] = []

    def connect_as(tenant: Tenant) -> anthropic.Anthropic:
        opened.append(anthropic.Anthropic(base_url=gateway.url, api_key=tenant.key, max_retries=0))
        return opened[-1]

    yield connect_as
    for client in opened:
        client.close()


@pytest.fixture
def client(connect: Callable[[Tenant], anthropic.Anthropic], tenant: Tenant) -> anthropic.Anthropic:
    return connect(tenant)


def request(custom_id: str, model: str = "claude-haiku-5-5", **params: Any) -> Any:
    messages = [{"role": "user", "content": f'What is {custom_id}?\n\u2028"{{['}]
    return {"custom_id": custom_id, "params": {"model": model, "max_tokens": 32, "messages": messages, **params}}


def finish(desk: Desk, client: anthropic.Anthropic, batch: MessageBatch) -> MessageBatch:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        desk.work()
        now = client.messages.batches.retrieve(batch.id)
        if now.processing_status == "ended":
            return now
        time.sleep(0.1)
    raise AssertionError(Batch.objects.get(pk=batch.id).last_error)


def test_every_request_is_answered_at_half_price(desk: Desk, client: anthropic.Anthropic, tenant: Tenant) -> None:
    batch = client.messages.batches.create(requests=[request("one"), request("two"), request("three")])
    assert (batch.processing_status, batch.results_url, batch.request_counts.processing) == ("in_progress", None, 3)
    ended = finish(desk, client, batch)
    assert ended.request_counts.to_dict() == {
        "processing": 0, "succeeded": 3, "errored": 0, "canceled": 0, "expired": 0,
    }  # fmt: skip
    results = {result.custom_id: result.result for result in client.messages.batches.results(batch.id)}
    assert set(results) == {"one", "two", "three"}
    assert all(result.type == "succeeded" and result.message.role == "assistant" for result in results.values())
    assert all(went_at_batch_price(entry) for entry in tenant.ledger(3))


def test_requests_for_models_of_another_wire_are_answered_in_anthropics_shape(
    desk: Desk, client: anthropic.Anthropic, tenant: Tenant
) -> None:
    batch = client.messages.batches.create(requests=[request("one", "gpt-6-luna"), request("two", "command-r7b")])
    finish(desk, client, batch)
    for result in client.messages.batches.results(batch.id):
        assert result.result.type == "succeeded"
        assert result.result.message.type == "message"
    by_model = {entry.model: entry for entry in tenant.ledger(2)}
    assert went_at_batch_price(by_model["gpt-6-luna"])
    assert not went_at_batch_price(by_model["command-r7b"])


def test_a_request_that_cannot_be_served_is_errored_and_the_others_succeed(
    desk: Desk, client: anthropic.Anthropic
) -> None:
    batch = client.messages.batches.create(requests=[request("good"), request("bad", "claude-nothing")])
    ended = finish(desk, client, batch)
    assert (ended.request_counts.succeeded, ended.request_counts.errored) == (1, 1)
    results = {result.custom_id: result.result for result in client.messages.batches.results(batch.id)}
    assert results["bad"].type == "errored"
    assert results["bad"].error.error.type == "not_found_error"


def test_a_cancelled_batch_keeps_what_was_answered(desk: Desk, client: anthropic.Anthropic, tenant: Tenant) -> None:
    desk.plan(seconds=3, after_lines=1)
    batch = client.messages.batches.create(requests=[request("one"), request("two")])
    desk.work()
    time.sleep(2)
    cancelled = client.messages.batches.cancel(batch.id)
    assert (cancelled.processing_status, cancelled.cancel_initiated_at is not None) == ("canceling", True)
    ended = finish(desk, client, batch)
    assert (ended.request_counts.succeeded, ended.request_counts.canceled) == (1, 1)
    assert {result.custom_id: result.result.type for result in client.messages.batches.results(batch.id)} == {
        "one": "succeeded",
        "two": "canceled",
    }
    tenant.ledger(1)


def test_a_batch_out_of_time_tells_what_expired(desk: Desk, client: anthropic.Anthropic) -> None:
    batch = client.messages.batches.create(requests=[request("one")])
    Batch.objects.filter(pk=batch.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    ended = finish(desk, client, batch)
    assert ended.request_counts.expired == 1
    assert [result.result.type for result in client.messages.batches.results(batch.id)] == ["expired"]


def test_a_deleted_batch_is_gone_with_its_files(desk: Desk, client: anthropic.Anthropic, tenant: Tenant) -> None:
    batch = client.messages.batches.create(requests=[request("one")])
    with pytest.raises(anthropic.BadRequestError, match="still"):
        client.messages.batches.delete(batch.id)
    finish(desk, client, batch)
    assert client.messages.batches.delete(batch.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(batch.id)
    assert not StoredFile.objects.for_org(tenant.org_id).exists()


def test_batches_are_listed_in_pages_both_ways(desk: Desk, client: anthropic.Anthropic) -> None:
    made = [client.messages.batches.create(requests=[request("one")]).id for _ in range(4)]
    assert [batch.id for batch in client.messages.batches.list(limit=2)] == made[::-1]
    newer = client.messages.batches.list(limit=2, before_id=made[0])
    assert ([batch.id for batch in newer.data], newer.has_more) == ([made[2], made[1]], True)


def test_another_organization_sees_nothing_of_it(
    desk: Desk,
    client: anthropic.Anthropic,
    connect: Callable[[Tenant], anthropic.Anthropic],
    make_tenant: Callable[..., Tenant],
) -> None:
    batch = client.messages.batches.create(requests=[request("one")])
    finish(desk, client, batch)
    stranger = connect(make_tenant()).messages.batches
    for attempt in (stranger.retrieve, stranger.cancel, stranger.delete, stranger.results):
        with pytest.raises(anthropic.NotFoundError):
            attempt(batch.id)
    assert stranger.list().data == []


def test_the_two_apis_do_not_show_each_others_batches_and_files(desk: Desk, client: anthropic.Anthropic) -> None:
    batch = client.messages.batches.create(requests=[request("one")])
    assert desk.client.batches.list().data == []
    assert desk.client.files.list().data == []
    answer = desk.client.batches.with_raw_response
    with pytest.raises(Exception, match="No batch found"):
        answer.retrieve(batch.id)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"requests": []}, "one at least"),
        ({"requests": [request("twice"), request("twice")]}, r"requests\.1\.custom_id: 'twice' is used more than once"),
        ({"requests": [request("a space")]}, r"requests\.0: .*custom_id"),
        ({"requests": [{"custom_id": "x"}]}, "params"),
        ({"requests": [{"custom_id": "x", "params": []}]}, r"requests\.0\.params: must be an object"),
        ({"requests": [1]}, "each must be an object"),
        ({"requests": [request("x")], "metadata": {}}, "'requests' and nothing else"),
        ({"batch": []}, "the body must be"),
    ],
)
def test_what_a_batch_cannot_be_is_said_in_anthropics_shape(
    gateway: Served, tenant: Tenant, body: Any, problem: str
) -> None:
    answer = gateway.http.post("/v1/messages/batches", json=body, headers=tenant.headers)
    assert answer.status_code == 400
    error = answer.json()
    assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
    assert re.search(problem, error["error"]["message"])
    assert not StoredFile.objects.for_org(tenant.org_id).exists()


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"requests": [{"custom_id": "x", "params": {}}', b'{"requests": [}', b"[]"]
)
def test_a_body_that_is_not_whole_is_refused(text: bytes) -> None:
    with pytest.raises(BadRequests):
        list(Requests(io.BytesIO(text), "/v1/messages"))


def test_requests_are_told_apart_wherever_their_bytes_are_cut() -> None:
    class OneByOne(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(1)

    params = {"text": 'a "quoted\\" } ] \\\\', "nested": [{"deep": [[{}]]}], "ünï": "\n"}
    wanted = [{"custom_id": f"n{number}", "params": params} for number in range(3)]
    text = json.dumps({"requests": wanted}, indent=1).encode()
    lines = [json.loads(line) for line in Requests(OneByOne(text), "/v1/messages")]
    assert [{"custom_id": line["custom_id"], "params": line["body"]} for line in lines] == wanted
