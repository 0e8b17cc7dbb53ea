"""The official Anthropic SDK against simulated batches of messages."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx
import pytest

from tests.inference.simulator_process import KEY, RunningSimulator, wait_until

MODEL = "claude-haiku-5-5"


def ask(custom_id: str, **params: Any) -> Any:
    asked = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": f"Question {custom_id}"}]}
    return {"custom_id": custom_id, "params": asked | params}


def finish(client: anthropic.Anthropic, batch: Any) -> Any:
    wait_until(lambda: client.messages.batches.retrieve(batch.id).processing_status == "ended")
    return client.messages.batches.retrieve(batch.id)


def results(client: anthropic.Anthropic, batch: Any) -> dict[str, Any]:
    return {one.custom_id: one.result for one in client.messages.batches.results(batch.id)}


@pytest.fixture(autouse=True)
def _quickly(simulator: RunningSimulator) -> None:
    simulator.pace(seconds=0.1)


def test_a_batch_answers_every_request_as_a_single_call_would(anthropic_client: anthropic.Anthropic) -> None:
    made = anthropic_client.messages.batches.create(requests=[ask("a"), ask("b", max_tokens=5)])
    assert (made.processing_status, made.request_counts.processing, made.results_url) == ("in_progress", 2, None)
    done = finish(anthropic_client, made)

    assert (done.request_counts.succeeded, done.request_counts.processing) == (2, 0)
    found = results(anthropic_client, done)
    assert found["a"].message.content == anthropic_client.messages.create(**ask("a")["params"]).content
    assert found["b"].message.usage.output_tokens == 5
    assert found["a"].message.usage.service_tier == "batch"


def test_every_request_is_entered_with_its_service(
    anthropic_client: anthropic.Anthropic, simulator: RunningSimulator
) -> None:
    done = finish(anthropic_client, anthropic_client.messages.batches.create(requests=[ask("a"), ask("b")]))
    found = results(anthropic_client, done)

    calls = simulator.calls()
    assert [(call["metadata"], call["service"], call["batch"]) for call in calls] == [
        ("a", "batch", done.id),
        ("b", "batch", done.id),
    ]
    for call in calls:
        usage = found[call["metadata"]].message.usage
        assert (call["input_tokens"], call["output_tokens"]) == (usage.input_tokens, usage.output_tokens)
    assert {call["path"] for call in calls} == {"/anthropic/v1/messages"}


def test_a_request_that_is_refused_is_an_error_among_the_results(
    anthropic_client: anthropic.Anthropic, simulator: RunningSimulator
) -> None:
    asked = [ask("a", model="claude-none"), ask("b", temperature=7), ask("c"), ask("d", stream=True)]
    done = finish(anthropic_client, anthropic_client.messages.batches.create(requests=asked))
    found = results(anthropic_client, done)

    assert (done.request_counts.succeeded, done.request_counts.errored) == (1, 3)
    assert found["a"].error.error.type == "not_found_error"
    assert found["b"].error.error.type == "invalid_request_error"
    assert len(simulator.calls()) == 1


def test_a_fault_lets_single_requests_fail(anthropic_client: anthropic.Anthropic, simulator: RunningSimulator) -> None:
    simulator.spoil("error", status=529, times=1)
    done = finish(anthropic_client, anthropic_client.messages.batches.create(requests=[ask("a"), ask("b")]))

    found = results(anthropic_client, done)
    assert found["a"].error.error.type == "overloaded_error"
    assert found["b"].type == "succeeded"


@pytest.mark.parametrize(("ending", "kind"), [("expired", "expired"), ("failed", "errored")])
def test_a_batch_can_end_badly(
    anthropic_client: anthropic.Anthropic, simulator: RunningSimulator, ending: str, kind: str
) -> None:
    simulator.pace(seconds=0.05, ending=ending, after_lines=1)
    asked = [ask("a"), ask("b"), ask("c")]
    done = finish(anthropic_client, anthropic_client.messages.batches.create(requests=asked))

    assert [result.type for result in results(anthropic_client, done).values()] == ["succeeded", kind, kind]
    assert getattr(done.request_counts, kind) == 2
    assert len(simulator.calls()) == 1


def test_a_batch_can_be_cancelled_half_way(anthropic_client: anthropic.Anthropic, simulator: RunningSimulator) -> None:
    simulator.pace(seconds=1.6, after_lines=1)
    made = anthropic_client.messages.batches.create(requests=[ask("a"), ask("b")])
    with pytest.raises(anthropic.BadRequestError):
        anthropic_client.messages.batches.delete(made.id)
    simulator.wait_for_calls(1)
    cancelled = anthropic_client.messages.batches.cancel(made.id)

    assert cancelled.processing_status == "canceling"
    done = finish(anthropic_client, made)
    assert (done.request_counts.succeeded, done.request_counts.canceled) == (1, 1)
    assert done.cancel_initiated_at is not None
    with pytest.raises(anthropic.BadRequestError):
        anthropic_client.messages.batches.cancel(made.id)


def test_batches_are_listed_and_deleted(anthropic_client: anthropic.Anthropic) -> None:
    made = [anthropic_client.messages.batches.create(requests=[ask("a")]) for _ in range(3)]
    listed = list(anthropic_client.messages.batches.list(limit=2))

    assert [batch.id for batch in listed] == [batch.id for batch in reversed(made)]
    finish(anthropic_client, made[0])
    assert anthropic_client.messages.batches.delete(made[0].id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        anthropic_client.messages.batches.retrieve(made[0].id)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"requests": []},
        {"requests": [{"custom_id": "a"}]},
        {"requests": [{"custom_id": "has space", "params": {}}]},
        {"requests": [{"custom_id": "a", "params": {}}, {"custom_id": "a", "params": {}}]},
        {"requests": [{"custom_id": "a", "params": {}, "priority": 1}]},
        {"requests": [{"custom_id": "a", "params": {}}], "window": "1h"},
    ],
)
def test_what_anthropic_refuses_is_refused(simulator: RunningSimulator, body: Any) -> None:
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    response = httpx.post(f"{simulator.url}/anthropic/v1/messages/batches", headers=headers, json=body)

    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_results_are_not_there_before_the_end(
    anthropic_client: anthropic.Anthropic, simulator: RunningSimulator
) -> None:
    simulator.pace(seconds=5)
    made = anthropic_client.messages.batches.create(requests=[ask("a")])

    with pytest.raises(anthropic.AnthropicError, match="results_url"):
        anthropic_client.messages.batches.results(made.id)
    url = f"{simulator.url}/anthropic/v1/messages/batches/{made.id}/results"
    assert httpx.get(url, headers={"x-api-key": KEY, "anthropic-version": "2023-06-01"}).status_code == 400
