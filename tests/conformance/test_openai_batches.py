"""The official `openai` client, leaving work to be done later at half the price."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.types import Batch

from tests.served import Tenant

LUNA = "gpt-6-luna"
CHAT = "/v1/chat/completions"


def line(name: str, body: dict[str, Any], url: str = CHAT) -> dict[str, Any]:
    return {"custom_id": name, "method": "POST", "url": url, "body": body}


def chat(name: str, model: str = LUNA) -> dict[str, Any]:
    return line(name, {"model": model, "messages": [{"role": "user", "content": f"Hello {name}"}], "max_tokens": 40})


def begin(gpt: openai.OpenAI, *lines: dict[str, Any], endpoint: Any = CHAT, **fields: Any) -> Batch:
    content = "\n".join(json.dumps(one) for one in lines).encode()
    file = gpt.files.create(file=("lines.jsonl", content), purpose="batch")
    return gpt.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **fields)


def ended(gpt: openai.OpenAI, batch: Batch, patience: float = 30.0) -> Batch:
    deadline = time.monotonic() + patience
    while batch.status not in {"completed", "failed", "cancelled", "expired"} and time.monotonic() < deadline:
        time.sleep(0.1)
        batch = gpt.batches.retrieve(batch.id)
    return batch


def results(gpt: openai.OpenAI, file: str | None) -> dict[str, Any]:
    """The lines of an output or error file by their `custom_id`."""
    assert file is not None
    return {one["custom_id"]: one for one in map(json.loads, gpt.files.content(file).text.splitlines())}


@pytest.mark.parametrize("model", [LUNA, "claude-haiku-5-5"])
def test_a_batch_is_done_and_its_answers_are_read(gpt: openai.OpenAI, tenant: Tenant, worker: None, model: str) -> None:
    begun = begin(gpt, chat("ada", model), chat("grace", model), metadata={"project": "sea"})
    assert (begun.object, begun.endpoint, begun.completion_window) == ("batch", CHAT, "24h")
    assert begun.id.startswith("batch_")
    done = ended(gpt, begun)
    assert (done.status, done.errors) == ("completed", None)
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (2, 2, 0)
    assert done.metadata == {"project": "sea"}
    found = results(gpt, done.output_file_id)
    assert set(found) == {"ada", "grace"}
    for one in found.values():
        assert one["error"] is None
        assert one["response"]["status_code"] == 200
        assert one["response"]["body"]["choices"][0]["message"]["content"]


def test_half_the_price_is_charged(gpt: openai.OpenAI, tenant: Tenant, worker: None) -> None:
    body = chat("ada")["body"]
    gpt.chat.completions.create(**body, extra_headers={"x-asahi-cache": "off"})
    ended(gpt, begin(gpt, chat("ada")))
    at_once, later = tenant.ledger(2)
    assert later.cost_nano * 2 == at_once.cost_nano


def test_a_line_that_fails_is_told_apart_from_those_that_do_not(gpt: openai.OpenAI, worker: None) -> None:
    wrong = chat("wrong")
    wrong["body"]["temperature"] = "hot"
    done = ended(gpt, begin(gpt, chat("right"), wrong))
    assert done.status == "completed"
    assert done.request_counts is not None
    assert (done.request_counts.completed, done.request_counts.failed) == (1, 1)
    assert set(results(gpt, done.output_file_id)) == {"right"}
    assert results(gpt, done.error_file_id)["wrong"]["response"]["status_code"] == 400


def test_embeddings_and_responses_are_done_in_batches_too(gpt: openai.OpenAI, worker: None) -> None:
    body = {"model": "text-embedding-3-small", "input": "the sea"}
    embedded = ended(gpt, begin(gpt, line("one", body, "/v1/embeddings"), endpoint="/v1/embeddings"))
    vector = results(gpt, embedded.output_file_id)["one"]["response"]["body"]["data"][0]["embedding"]
    assert len(vector) == 1536
    body = {"model": LUNA, "input": "the sea"}
    answered = ended(gpt, begin(gpt, line("one", body, "/v1/responses"), endpoint="/v1/responses"))
    assert results(gpt, answered.output_file_id)["one"]["response"]["body"]["status"] == "completed"


def test_a_file_that_is_no_batch_fails_as_a_whole(gpt: openai.OpenAI, worker: None) -> None:
    file = gpt.files.create(file=("lines.jsonl", b"not json\n"), purpose="batch")
    batch = gpt.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
    failed = ended(gpt, batch)
    assert failed.status == "failed"
    assert failed.errors is not None
    assert failed.errors.data
    assert failed.errors.data[0].line == 1


def test_a_batch_is_cancelled(gpt: openai.OpenAI) -> None:
    begun = begin(gpt, chat("ada"))
    assert gpt.batches.cancel(begun.id).status in {"cancelling", "cancelled"}


def test_batches_are_listed_page_by_page(gpt: openai.OpenAI) -> None:
    names = [begin(gpt, chat(f"{number}")).id for number in range(3)]
    assert [batch.id for batch in gpt.batches.list(limit=2)] == names[::-1]


def test_a_batch_of_another_organization_is_not_found(gpt: openai.OpenAI, make_tenant: Callable[..., Tenant]) -> None:
    begun = begin(gpt, chat("ada"))
    stranger = gpt.with_options(api_key=make_tenant().key)
    assert list(stranger.batches.list()) == []
    for look in (stranger.batches.retrieve, stranger.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            look(begun.id)


def test_a_batch_needs_a_file_that_is_there(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="file-nobody") as raised:
        gpt.batches.create(input_file_id="file-nobody", endpoint=CHAT, completion_window="24h")
    assert raised.value.status_code in {400, 404}


async def test_the_asynchronous_client_leaves_work_too(async_gpt: openai.AsyncOpenAI) -> None:
    content = json.dumps(chat("ada")).encode()
    file = await async_gpt.files.create(file=("lines.jsonl", content), purpose="batch")
    batch = await async_gpt.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
    assert (await async_gpt.batches.retrieve(batch.id)).input_file_id == file.id
