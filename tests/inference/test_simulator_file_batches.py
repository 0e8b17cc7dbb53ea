"""The official OpenAI SDK against simulated files and batches over them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest

from tests.inference.simulator_process import KEY, RunningSimulator, wait_until

MODEL = "gpt-6-luna"
CHAT = "/v1/chat/completions"
BEARER = {"authorization": f"Bearer {KEY}"}


def line(custom_id: str, *, url: str = CHAT, **body: Any) -> dict[str, Any]:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": f"Question {custom_id}"}]} | body
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": asked}


def upload(client: openai.OpenAI, *lines: Any) -> str:
    content = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines).encode()
    return client.files.create(file=("input.jsonl", content), purpose="batch").id


def start(client: openai.OpenAI, *lines: Any, endpoint: Any = CHAT) -> Any:
    file_id = upload(client, *lines)
    return client.batches.create(input_file_id=file_id, endpoint=endpoint, completion_window="24h")


def finish(client: openai.OpenAI, batch: Any) -> Any:
    wait_until(lambda: client.batches.retrieve(batch.id).status in ("completed", "failed", "expired", "cancelled"))
    return client.batches.retrieve(batch.id)


def results(client: openai.OpenAI, file_id: str) -> list[dict[str, Any]]:
    return [json.loads(one) for one in client.files.content(file_id).text.splitlines()]


@pytest.fixture(autouse=True)
def _quickly(simulator: RunningSimulator) -> None:
    simulator.pace(seconds=0.1)


def test_a_file_comes_back_byte_by_byte(openai_client: openai.OpenAI) -> None:
    content = b'{"a": "\r\n--x"}\r\n\xff\x00 end\r\n'
    made = openai_client.files.create(file=("d\u00e9j\u00e0.jsonl", content), purpose="user_data")

    assert (made.bytes, made.purpose, made.filename) == (len(content), "user_data", "d\u00e9j\u00e0.jsonl")
    assert openai_client.files.content(made.id).read() == content
    assert openai_client.files.retrieve(made.id).id == made.id
    assert openai_client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        openai_client.files.content(made.id)


def test_files_are_listed_by_purpose_and_in_pages(openai_client: openai.OpenAI) -> None:
    ids = [upload(openai_client, line(str(n))) for n in range(3)]
    openai_client.files.create(file=("x.txt", b"x"), purpose="user_data")

    assert [file.id for file in openai_client.files.list(purpose="batch", limit=1)] == ids[::-1]
    assert [file.id for file in openai_client.files.list(purpose="batch", order="asc")] == ids
    assert len(list(openai_client.files.list())) == 4


def test_a_file_of_a_batch_expires(openai_client: openai.OpenAI) -> None:
    content = json.dumps(line("a")).encode()
    usual = openai_client.files.retrieve(upload(openai_client, line("a")))
    short = openai_client.files.create(
        file=("a.jsonl", content), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )

    assert usual.expires_at == usual.created_at + 30 * 24 * 3600
    assert short.expires_at == short.created_at + 3600


@pytest.mark.parametrize(("name", "purpose"), [("a.jsonl", "party"), ("a.txt", "batch")])
def test_a_file_that_fits_no_purpose_is_refused(openai_client: openai.OpenAI, name: str, purpose: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        openai_client.files.create(file=(name, b"{}"), purpose=purpose)


def test_what_is_no_form_or_lacks_a_part_is_refused(simulator: RunningSimulator) -> None:
    url = f"{simulator.url}/openai/v1/files"

    assert httpx.post(url, headers=BEARER, json={"purpose": "batch"}).status_code == 400
    missing = httpx.post(url, headers=BEARER, files={"file": ("a.jsonl", b"{}")})
    assert missing.json()["error"]["param"] == "purpose"
    stray = httpx.post(url, headers=BEARER, files={"file": ("a.jsonl", b"{}")}, data={"purpose": "batch", "mood": "x"})
    assert stray.json()["error"]["param"] == "mood"


def test_a_batch_answers_every_line_as_a_single_call_would(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    made = start(openai_client, line("a"), line("b", max_completion_tokens=5))
    assert (made.status, made.request_counts.total) == ("validating", 0)
    done = finish(openai_client, made)

    assert (done.status, done.model, done.error_file_id) == ("completed", MODEL, None)
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (2, 2, 0)
    first, second = results(openai_client, done.output_file_id)
    assert (first["custom_id"], second["custom_id"]) == ("a", "b")
    assert second["response"]["body"]["usage"]["completion_tokens"] == 5
    alone = openai_client.chat.completions.create(**line("a")["body"])
    assert first["response"]["status_code"] == 200
    assert first["response"]["body"]["choices"][0]["message"]["content"] == alone.choices[0].message.content


def test_every_line_of_a_batch_is_entered_with_its_service(
    openai_client: openai.OpenAI, simulator: RunningSimulator
) -> None:
    done = finish(openai_client, start(openai_client, line("a"), line("b")))
    calls = simulator.calls()

    assert [(call["metadata"], call["service"], call["batch"]) for call in calls] == [
        ("a", "batch", done.id),
        ("b", "batch", done.id),
    ]
    assert {call["path"] for call in calls} == {"/openai/v1/chat/completions"}
    answers = [one["response"]["body"] for one in results(openai_client, done.output_file_id)]
    assert [call["id"] for call in calls] == [answer["id"] for answer in answers]
    assert [call["output_tokens"] for call in calls] == [answer["usage"]["completion_tokens"] for answer in answers]
    assert done.usage.total_tokens == sum(call["input_tokens"] + call["output_tokens"] for call in calls)
    assert simulator.stats()["by_service"]["batch"]["calls"] == 2


def test_responses_and_embeddings_go_in_batches_too(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    asked = {"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {"model": MODEL, "input": "Hello"}}
    done = finish(openai_client, start(openai_client, asked, endpoint="/v1/responses"))
    [answer] = results(openai_client, done.output_file_id)
    assert answer["response"]["body"]["object"] == "response"

    body = {"model": "text-embedding-3-small", "input": ["x", "y"]}
    asked = {"custom_id": "b", "method": "POST", "url": "/v1/embeddings", "body": body}
    done = finish(openai_client, start(openai_client, asked, endpoint="/v1/embeddings"))
    [answer] = results(openai_client, done.output_file_id)
    assert len(answer["response"]["body"]["data"]) == 2
    assert simulator.calls()[-1]["input_tokens"] == answer["response"]["body"]["usage"]["prompt_tokens"]


def test_a_line_that_is_refused_goes_to_the_error_file(openai_client: openai.OpenAI) -> None:
    done = finish(openai_client, start(openai_client, line("a", n=0), line("b"), line("c", stream=True)))

    assert (done.request_counts.completed, done.request_counts.failed) == (1, 2)
    refused = results(openai_client, done.error_file_id)
    assert [(one["custom_id"], one["response"]["status_code"]) for one in refused] == [("a", 400), ("c", 400)]
    assert refused[0]["response"]["body"]["error"]["param"] == "n"


def test_a_fault_lets_single_lines_fail(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    simulator.spoil("error", status=503, times=1)
    done = finish(openai_client, start(openai_client, line("a"), line("b")))

    [failed] = results(openai_client, done.error_file_id)
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("a", 503)
    assert [(call["fault"], call["worked_output_tokens"] > 0) for call in simulator.calls()] == [
        ("error", False),
        ("none", True),
    ]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["{"], "invalid_json_line"),
        (['{"custom_id": "a"}'], "missing_required_parameter"),
        ([line("a"), line("a")], "duplicate_custom_id"),
        ([line("a", url="/v1/embeddings")], "mismatched_url"),
        ([line("a") | {"method": "GET"}], "invalid_method"),
        ([line("a"), line("b", model="gpt-5.4-mini")], "mismatched_model"),
        ([line("a", model="gpt-none")], "model_not_found"),
        ([""], "empty_file"),
    ],
)
def test_a_file_that_is_no_batch_fails_with_the_reason(
    openai_client: openai.OpenAI, simulator: RunningSimulator, lines: list[Any], code: str
) -> None:
    done = finish(openai_client, start(openai_client, *lines))

    assert (done.status, done.output_file_id) == ("failed", None)
    assert code in [error.code for error in done.errors.data]
    assert simulator.calls() == []


def test_a_batch_can_be_made_to_fail(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    simulator.pace(seconds=0.05, ending="failed")

    assert finish(openai_client, start(openai_client, line("a"))).errors.data[0].code == "server_error"


def test_a_batch_that_expires_has_done_some_lines(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    simulator.pace(seconds=0.05, ending="expired", after_lines=2)
    done = finish(openai_client, start(openai_client, *(line(str(n)) for n in range(5))))

    assert (done.status, done.request_counts.completed, done.request_counts.failed) == ("expired", 2, 3)
    assert done.expired_at is not None
    assert len(results(openai_client, done.output_file_id)) == 2
    assert {one["error"]["code"] for one in results(openai_client, done.error_file_id)} == {"batch_expired"}
    assert len(simulator.calls()) == 2


def test_a_batch_can_be_cancelled_half_way(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    simulator.pace(seconds=1.6, after_lines=1)
    made = start(openai_client, line("a"), line("b"))
    simulator.wait_for_calls(1)
    assert openai_client.batches.cancel(made.id).status == "cancelling"
    done = finish(openai_client, made)

    assert (done.status, done.request_counts.completed) == ("cancelled", 1)
    assert [one["custom_id"] for one in results(openai_client, done.output_file_id)] == ["a"]
    assert len(simulator.calls()) == 1
    with pytest.raises(openai.ConflictError):
        openai_client.batches.cancel(made.id)


def test_batches_are_listed_newest_first(openai_client: openai.OpenAI) -> None:
    made = [start(openai_client, line("a")).id for _ in range(3)]

    assert [batch.id for batch in openai_client.batches.list(limit=2)] == made[::-1]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"completion_window": "1h"}, "completion_window"),
        ({"endpoint": "/v1/poems"}, "endpoint"),
        ({"input_file_id": "file-none"}, "input_file_id"),
        ({"priority": 1}, "priority"),
        ({"metadata": {"a": 1}}, None),
    ],
)
def test_what_openai_refuses_is_refused(
    simulator: RunningSimulator, openai_client: openai.OpenAI, change: dict[str, Any], param: str | None
) -> None:
    body = {"input_file_id": upload(openai_client, line("a")), "endpoint": CHAT, "completion_window": "24h"} | change
    response = httpx.post(f"{simulator.url}/openai/v1/batches", headers=BEARER, json=body)

    assert response.status_code == 400
    assert param is None or response.json()["error"]["param"] == param


def test_a_poll_can_fail_and_a_result_be_cut(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    done = finish(openai_client, start(openai_client, line("a")))
    simulator.spoil("error", status=500, paths=[f"/v1/batches/{done.id}"], times=1)
    with pytest.raises(openai.InternalServerError):
        openai_client.batches.retrieve(done.id)
    assert openai_client.batches.retrieve(done.id).id == done.id

    simulator.spoil("cut", paths=["/content"])
    with pytest.raises(openai.APIConnectionError):
        openai_client.files.content(done.output_file_id).read()


def test_a_reset_ends_what_is_under_way(openai_client: openai.OpenAI, simulator: RunningSimulator) -> None:
    made = start(openai_client, line("a"))
    simulator.control("POST", "/reset")

    with pytest.raises(openai.NotFoundError):
        openai_client.batches.retrieve(made.id)
    assert simulator.calls() == []
