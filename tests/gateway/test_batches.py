"""Batches, through OpenAI's own client: from a file of lines to files of results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from analytics import ids
from governance.keys import revoke_key
from inference.models import Batch, BatchItem
from tests.gateway.batching import Desk, jsonl, line, went_at_batch_price
from tests.gateway.conftest import Served, Tenant


def test_every_line_is_answered_at_half_price(desk: Desk, tenant: Tenant) -> None:
    batch = desk.finish(desk.submit(*(line(f"line-{number}") for number in range(5)), metadata={"night": "1"}))
    assert (batch.status, batch.metadata, batch.model) == ("completed", {"night": "1"}, "gpt-6-luna")
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 5, "completed": 5, "failed": 0}
    assert batch.error_file_id is None
    results = desk.results(batch.output_file_id)
    assert set(results) == {f"line-{number}" for number in range(5)}
    entries = tenant.ledger(5)
    assert all(went_at_batch_price(entry) and "parts" not in entry.receipt["bill"] for entry in entries)
    assert {ids.from_uuid(entry.request_id) for entry in entries} == {
        result["response"]["request_id"] for result in results.values()
    }
    assert batch.usage is not None
    assert batch.usage.input_tokens == sum(entry.input_tokens for entry in entries)


def test_a_receipt_tells_of_the_batch_and_claims_nothing_for_it(desk: Desk, gateway: Served, tenant: Tenant) -> None:
    batch = desk.finish(desk.submit(line("one")))
    tenant.ledger(1)
    request_id = desk.results(batch.output_file_id)["one"]["response"]["request_id"]
    receipt = gateway.http.get(f"/v1/receipts/{request_id}", headers=tenant.headers).raise_for_status().json()
    assert (receipt["service_tier"], receipt["service_tier_original"]) == ("batch", "batch")
    assert receipt["savings_by_technique"] == []
    assert receipt["cost"] == receipt["cost_original"] > 0


def test_a_line_answered_before_costs_nothing(desk: Desk, gateway: Served, tenant: Tenant) -> None:
    asked = line("again", "What is the capital of Japan?")
    answered = gateway.http.post("/v1/chat/completions", json=asked["body"], headers=tenant.headers).json()
    batch = desk.finish(desk.submit(asked, line("new")))
    assert desk.results(batch.output_file_id)["again"]["response"]["body"]["id"] == answered["id"]
    hits = [entry for entry in tenant.ledger(3) if entry.tier == 1]
    assert [entry.cost_nano for entry in hits] == [0]
    (live,) = [entry for entry in tenant.ledger(3) if entry.receipt["bill"].get("service", "") == "" and not entry.tier]
    assert abs(hits[0].original_cost_nano * 2 - live.cost_nano) <= 1  # what the line would have cost in its batch
    assert len([call for call in desk.simulator.calls() if call.get("batch")]) == 1


def test_a_live_call_is_answered_by_what_a_batch_brought(desk: Desk, gateway: Served, tenant: Tenant) -> None:
    asked = line("first", "What is the capital of Peru?")
    desk.finish(desk.submit(asked))
    answer = gateway.http.post("/v1/chat/completions", json=asked["body"], headers=tenant.headers)
    assert answer.headers["x-asahi-cache"] == "t1"


def test_a_provider_without_batches_is_called_line_by_line_at_its_ordinary_price(desk: Desk, tenant: Tenant) -> None:
    batch = desk.finish(desk.submit(*(line(f"{number}", model="command-r7b") for number in range(12))))
    assert (batch.status, len(desk.results(batch.output_file_id))) == ("completed", 12)
    assert all(entry.cost_nano == entry.original_cost_nano > 0 for entry in tenant.ledger(12))


def test_lines_go_to_the_batches_of_every_provider_they_name(desk: Desk, tenant: Tenant) -> None:
    names = ("gpt-6-luna", "claude-haiku-5-5", "gpt-5-mini", "command-r7b", "asahi")
    batch = desk.finish(desk.submit(*(line(name, model=name) for name in names)))
    results = desk.results(batch.output_file_id)
    assert set(results) == set(names)
    assert all(each["response"]["body"]["object"] == "chat.completion" for each in results.values())
    assert batch.model is None
    by_model = {entry.requested_model: entry for entry in tenant.ledger(5)}
    for name in names[:3]:
        entry = by_model[name]
        assert (entry.model, entry.routing_mode) == (name, "explicit")
        assert went_at_batch_price(entry)
    assert by_model[""].routing_mode == "autopilot"
    assert by_model[""].cost_nano < by_model[""].original_cost_nano


@pytest.mark.parametrize(
    ("endpoint", "body", "kind"),
    [
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hello"}, "list"),
        ("/v1/responses", {"model": "gpt-6-luna", "input": "hello", "max_output_tokens": 32}, "response"),
    ],
)
def test_other_endpoints_have_batches_too(
    desk: Desk, tenant: Tenant, endpoint: str, body: dict[str, Any], kind: str
) -> None:
    asked = {"custom_id": "one", "method": "POST", "url": endpoint, "body": body}
    batch = desk.finish(desk.submit(asked, endpoint=endpoint))
    assert desk.results(batch.output_file_id)["one"]["response"]["body"]["object"] == kind
    (entry,) = tenant.ledger(1)
    assert went_at_batch_price(entry)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"{not json", "invalid_json_line"),
        ({"method": "POST", "url": "/v1/chat/completions", "body": {}}, "missing_required_parameter"),
        ({**line("x"), "method": "GET"}, "invalid_method"),
        (line("x", url="/v1/embeddings"), "mismatched_url"),
        (line("good"), "duplicate_custom_id"),
        (line(""), "invalid_custom_id"),
        ({**line("x"), "body": [1]}, "missing_required_parameter"),
    ],
)
def test_a_file_with_a_bad_line_fails_by_line_and_costs_nothing(
    desk: Desk, tenant: Tenant, bad: Any, code: str
) -> None:
    batch = desk.finish(desk.submit(line("good"), bad, line("other")))
    assert batch.status == "failed"
    assert batch.failed_at is not None
    assert batch.errors is not None
    assert [(error.code, error.line) for error in batch.errors.data or ()] == [(code, 2)]
    assert not [call for call in desk.simulator.calls() if call.get("batch")]
    tenant.ledger(0, patience=0.3)


def test_a_file_without_lines_fails(desk: Desk) -> None:
    batch = desk.finish(desk.submit(b"", b"  "))
    assert batch.errors is not None
    assert [error.code for error in batch.errors.data or ()] == ["empty_file"]


def test_a_line_that_cannot_be_served_is_in_the_error_file_and_the_others_are_answered(desk: Desk) -> None:
    batch = desk.finish(
        desk.submit(
            line("good"),
            line("unknown", model="gpt-nothing"),
            line("streamed", stream=True),
            line("wrong", messages="none"),
            line("no-tokens", max_tokens=-1),
        )
    )
    assert (batch.status, batch.request_counts.to_dict() if batch.request_counts else None) == (
        "completed",
        {"total": 5, "completed": 1, "failed": 4},
    )
    errors = desk.results(batch.error_file_id)
    statuses = {name: each["response"]["status_code"] for name, each in errors.items()}
    assert statuses == {"unknown": 404, "streamed": 400, "wrong": 400, "no-tokens": 400}
    assert errors["unknown"]["response"]["body"]["error"]["code"] == "model_not_found"
    assert errors["streamed"]["response"]["body"]["error"]["param"] == "stream"
    assert set(desk.results(batch.output_file_id)) == {"good"}


def test_lines_beyond_the_budget_get_what_a_live_call_gets_and_the_others_are_answered(
    desk: Desk, tenant: Tenant
) -> None:
    lines = [line(f"{number:02}", f"Question {number:02}?") for number in range(10)]
    desk.finish(desk.submit(lines[0]))
    (first,) = tenant.ledger(1)
    (measured,) = BatchItem.objects.for_org(tenant.org_id)
    tenant.policy(daily_budget_nano=first.cost_nano + int(4.5 * measured.plan["reserve_nano"]))
    batch = desk.finish(desk.submit(*lines[1:]))
    assert batch.request_counts is not None
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 4, 5)
    for each in desk.results(batch.error_file_id).values():
        assert each["response"]["status_code"] == 429
        assert each["response"]["body"]["error"]["code"] == "budget_exceeded"
    tenant.ledger(5)


def test_what_a_batch_may_cost_is_reserved_while_a_provider_works_on_it_and_given_back_then(
    desk: Desk, gateway: Served, tenant: Tenant
) -> None:
    desk.finish(desk.submit(line("measure", "How long is a piece of string?", max_tokens=1000)))
    (spent,) = tenant.ledger(1)
    (measured,) = BatchItem.objects.for_org(tenant.org_id)
    tenant.policy(daily_budget_nano=spent.cost_nano + int(1.5 * measured.plan["reserve_nano"]))  # for one, not for two
    desk.plan(seconds=3)
    batch = desk.submit(line("reserved", "How long is a piece of rope?", max_tokens=1000))
    desk.work()
    live = line("live", "How long is a piece of wood?", max_tokens=1000)["body"]
    refused = gateway.http.post("/v1/chat/completions", json=live, headers=tenant.headers)
    assert refused.json()["error"]["code"] == "budget_exceeded"
    assert desk.finish(batch).status == "completed"
    tenant.ledger(2)
    gateway.http.post("/v1/chat/completions", json=live, headers=tenant.headers).raise_for_status()


def test_a_batch_takes_no_place_and_no_rate_of_live_calls(desk: Desk, gateway: Served, tenant: Tenant) -> None:
    tenant.policy(requests_per_minute=1, max_concurrency=1, tokens_per_minute=200)
    batch = desk.finish(desk.submit(*(line(f"{number}") for number in range(5))))
    assert batch.request_counts is not None
    assert batch.request_counts.completed == 5
    assert gateway.chat(tenant, "Hello?").status_code == 200


def test_headers_on_a_batch_steer_its_lines(desk: Desk, gateway: Served, tenant: Tenant) -> None:
    asked = line("again", "What is the capital of Chad?")
    gateway.http.post("/v1/chat/completions", json=asked["body"], headers=tenant.headers).raise_for_status()
    headers = {"x-asahi-cache": "off", "x-asahi-tags": "nightly,report"}
    desk.finish(desk.submit(asked, extra_headers=headers))
    entry = tenant.ledger(2)[1]
    assert (entry.tier, entry.tags) == (0, ["nightly", "report"])


def test_a_header_that_cannot_be_understood_is_refused_at_once(desk: Desk) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        desk.submit(line("one"), extra_headers={"x-asahi-quality": "lots"})
    assert refused.value.param == "x-asahi-quality"


def test_lines_of_a_key_that_was_revoked_are_refused_as_it_would_be(desk: Desk, tenant: Tenant) -> None:
    batch = desk.submit(line("one"))
    revoke_key(org_id=tenant.org_id, key_id=tenant.key_id)
    while desk.work():
        pass
    assert Batch.objects.get(pk=batch.id).status == "completed"
    assert [item.status for item in BatchItem.objects.filter(batch=batch.id)] == [401]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"endpoint": "/v1/moderations"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"input_file_id": "file-nothing"}, "input_file_id"),
        ({"metadata": {"k" * 65: "v"}}, "metadata"),
        ({"metadata": {f"{number}": "v" for number in range(17)}}, "metadata"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 10}}, "output_expires_after.seconds"),
        ({"priority": "high"}, "priority"),
    ],
)
def test_what_a_batch_cannot_be_is_refused_by_name(
    desk: Desk, gateway: Served, tenant: Tenant, fields: dict[str, Any], param: str
) -> None:
    file = desk.client.files.create(file=("lines.jsonl", jsonl(line("one"))), purpose="batch")
    asked = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h", **fields}
    answer = gateway.http.post("/v1/batches", json=asked, headers=tenant.headers)
    assert answer.status_code == 400
    assert (answer.json()["error"]["param"] or "").startswith(param)


def test_a_file_for_another_purpose_makes_no_batch(desk: Desk) -> None:
    file = desk.client.files.create(file=("data.jsonl", jsonl(line("one"))), purpose="user_data")
    with pytest.raises(openai.BadRequestError, match="user_data"):
        desk.client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")


def test_result_files_live_as_long_as_the_caller_said(desk: Desk) -> None:
    batch = desk.finish(desk.submit(line("one"), output_expires_after={"anchor": "created_at", "seconds": 7200}))
    assert batch.output_file_id is not None
    file = desk.client.files.retrieve(batch.output_file_id)
    assert file.expires_at is not None
    assert (file.purpose, file.expires_at - file.created_at) == ("batch_output", 7200)


def test_an_input_file_stays_while_a_batch_reads_it(desk: Desk) -> None:
    batch = desk.submit(line("one"))
    with pytest.raises(openai.BadRequestError, match=batch.id):
        desk.client.files.delete(batch.input_file_id)
    desk.finish(batch)
    assert desk.client.files.delete(batch.input_file_id).deleted
    assert desk.client.batches.retrieve(batch.id).input_file_id == batch.input_file_id


def test_batches_are_listed_newest_first_in_pages(desk: Desk) -> None:
    made = [desk.submit(line("one")).id for _ in range(3)]
    page = desk.client.batches.list(limit=2)
    assert ([batch.id for batch in page.data], page.has_more) == (made[:0:-1], True)
    assert [batch.id for batch in desk.client.batches.list(limit=2)] == made[::-1]


def test_another_organization_sees_nothing_of_a_batch(
    desk: Desk, make_desk: Callable[[Tenant], Desk], make_tenant: Callable[..., Tenant]
) -> None:
    batch = desk.finish(desk.submit(line("one")))
    stranger = make_desk(make_tenant()).client
    for attempt in (stranger.batches.retrieve, stranger.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            attempt(batch.id)
    assert stranger.batches.list().data == []
    assert batch.output_file_id is not None
    for attempt in (stranger.files.content, stranger.files.delete):
        with pytest.raises(openai.NotFoundError):
            attempt(batch.output_file_id)
    with pytest.raises(openai.BadRequestError, match="No such File"):
        stranger.batches.create(
            input_file_id=batch.input_file_id, endpoint="/v1/chat/completions", completion_window="24h"
        )


def test_what_no_database_can_hold_names_nothing(desk: Desk, gateway: Served, tenant: Tenant) -> None:
    for path in ("/v1/files/a%00", "/v1/files/a%00/content", "/v1/batches/a%00", "/v1/messages/batches/a%00"):
        assert gateway.http.get(path, headers=tenant.headers).status_code == 404
    for path in ("/v1/files?after=%00", "/v1/files?purpose=%00", "/v1/batches?after=%00"):
        assert gateway.http.get(path, headers=tenant.headers).status_code == 200
    with pytest.raises(openai.BadRequestError):
        desk.submit(line("one"), metadata={"a": "\x00"})
    batch = desk.finish(desk.submit(line("one", model="gpt\x00")))
    assert desk.results(batch.error_file_id)["one"]["response"]["status_code"] == 404
