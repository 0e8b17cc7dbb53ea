"""The official `anthropic` client, leaving messages to be answered later at half the price."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from anthropic.types.messages import MessageBatch

from tests.served import Tenant

HAIKU = "claude-haiku-5-5"


def request(name: str, model: str = HAIKU, **params: Any) -> Any:
    asked = {"model": model, "max_tokens": 60, "messages": [{"role": "user", "content": f"Hello {name}"}], **params}
    return {"custom_id": name, "params": asked}


def ended(claude: anthropic.Anthropic, batch: MessageBatch, patience: float = 30.0) -> MessageBatch:
    deadline = time.monotonic() + patience
    while batch.processing_status != "ended" and time.monotonic() < deadline:
        time.sleep(0.1)
        batch = claude.messages.batches.retrieve(batch.id)
    assert batch.processing_status == "ended"
    return batch


@pytest.mark.parametrize("model", [HAIKU, "gpt-6-luna"])
def test_a_batch_is_answered_and_its_results_are_read(claude: anthropic.Anthropic, worker: None, model: str) -> None:
    begun = claude.messages.batches.create(requests=[request("ada", model), request("grace", model)])
    assert (begun.type, begun.processing_status) == ("message_batch", "in_progress")
    done = ended(claude, begun)
    assert done.request_counts.succeeded == 2
    results = {result.custom_id: result.result for result in claude.messages.batches.results(done.id)}
    assert set(results) == {"ada", "grace"}
    assert all(result.type == "succeeded" and result.message.content[0].text for result in results.values())


def test_half_the_price_is_charged(claude: anthropic.Anthropic, tenant: Tenant, worker: None) -> None:
    claude.messages.create(**request("ada")["params"], extra_headers={"x-asahi-cache": "off"})
    ended(claude, claude.messages.batches.create(requests=[request("ada")]))
    at_once, later = tenant.ledger(2)
    assert later.cost_nano * 2 == at_once.cost_nano


def test_a_request_that_fails_is_told_apart(claude: anthropic.Anthropic, worker: None) -> None:
    wrong = request("wrong", tools=[{"name": "?", "input_schema": {"type": "object"}}])
    done = ended(claude, claude.messages.batches.create(requests=[request("right"), wrong]))
    assert (done.request_counts.succeeded, done.request_counts.errored) == (1, 1)
    results = {result.custom_id: result.result for result in claude.messages.batches.results(done.id)}
    assert results["wrong"].type == "errored"
    assert results["wrong"].error.error.type == "invalid_request_error"


def test_batches_are_listed_page_by_page_and_cancelled(claude: anthropic.Anthropic) -> None:
    names = [claude.messages.batches.create(requests=[request("ada")]).id for _ in range(3)]
    assert [batch.id for batch in claude.messages.batches.list(limit=2)] == names[::-1]
    assert claude.messages.batches.cancel(names[0]).processing_status in {"canceling", "ended"}


def test_a_batch_of_another_organization_is_not_found(
    claude: anthropic.Anthropic, make_tenant: Callable[..., Tenant]
) -> None:
    begun = claude.messages.batches.create(requests=[request("ada")])
    stranger = claude.with_options(api_key=make_tenant().key)
    for look in (stranger.messages.batches.retrieve, stranger.messages.batches.cancel):
        with pytest.raises(anthropic.NotFoundError):
            look(begun.id)
