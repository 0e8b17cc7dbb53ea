"""Answers that a provider must never send, made to order, and a ledger that knows what was really done."""

from __future__ import annotations

import json
import time
from typing import Any

import anthropic
import cohere
import httpx
import openai
import pytest

from tests.inference.simulator_calls import BEARER, QUESTION, STREAM, chat, events, only_call, said, stream, true_usage
from tests.inference.simulator_process import RunningSimulator


@pytest.mark.parametrize("kind", ["garbage", "html", "no_end", "wrong_shape", "error_event"])
def test_a_200_that_is_no_answer_still_shows_the_work_in_the_ledger(simulator: RunningSimulator, kind: str) -> None:
    usage = true_usage(simulator)
    simulator.spoil(kind)
    response = chat(simulator)

    assert response.status_code == 200
    try:
        assert not isinstance(response.json().get("choices"), list)
    except ValueError:
        assert kind in ("garbage", "html", "no_end")
    call = only_call(simulator)
    assert (call["fault"], call["outcome"]) == (kind, "injected_error")
    assert (call["worked_input_tokens"], call["worked_output_tokens"]) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )


def test_a_page_in_html_says_so(simulator: RunningSimulator) -> None:
    simulator.spoil("html")

    assert chat(simulator).headers["content-type"].startswith("text/html")
    with stream(simulator) as response:
        assert response.headers["content-type"].startswith("text/html")


def test_a_stream_is_cut_after_exactly_so_many_events(simulator: RunningSimulator) -> None:
    simulator.spoil("cut", after_chunks=5)
    lines: list[str] = []
    with stream(simulator) as response, pytest.raises(httpx.RemoteProtocolError):
        lines.extend(line for line in response.iter_lines() if line)

    call = only_call(simulator)
    assert len(lines) == 5
    assert (call["output_tokens"], call["worked_output_tokens"], call["fault"]) == (4, 4, "cut")


def test_a_stream_can_end_without_its_last_events(simulator: RunningSimulator) -> None:
    usage = true_usage(simulator)
    simulator.spoil("no_end")
    received = events(simulator)

    assert "[DONE]" not in received
    assert all(json.loads(event)["choices"][0]["finish_reason"] is None for event in received)
    assert only_call(simulator)["worked_output_tokens"] == usage["completion_tokens"]


def test_a_garbage_event_stands_among_good_ones(simulator: RunningSimulator) -> None:
    simulator.spoil("garbage_event", after_chunks=3)
    received = events(simulator)

    with pytest.raises(ValueError, match="Expecting"):
        json.loads(received[3])
    assert said(received[2])
    assert said(received[4])
    assert received[-1] == "[DONE]"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [("null", None), ("array", []), ("number", 5)],
)
def test_an_event_may_be_any_json(simulator: RunningSimulator, shape: str, expected: Any) -> None:
    simulator.spoil("wrong_shape", shape=shape, after_chunks=2)

    assert json.loads(events(simulator)[2]) == expected


def test_an_event_may_have_fields_of_other_types(simulator: RunningSimulator) -> None:
    simulator.spoil("wrong_shape", after_chunks=2)
    assert json.loads(events(simulator)[2])["choices"] == "none"
    simulator.spoil("wrong_shape", shape="usage_list", after_chunks=2)
    assert json.loads(events(simulator)[2])["usage"] == [1, 2, 3]


def test_an_error_comes_in_mid_stream_as_each_sdk_knows_it(
    simulator: RunningSimulator,
    openai_client: openai.OpenAI,
    anthropic_client: anthropic.Anthropic,
    cohere_client: cohere.ClientV2,
) -> None:
    simulator.spoil("error_event", after_chunks=4, status=503)
    seen: list[Any] = []

    with pytest.raises(openai.APIError, match="overloaded"):
        seen.extend(openai_client.chat.completions.create(**STREAM))
    assert len(seen) == 4
    with pytest.raises(anthropic.APIStatusError):
        list(anthropic_client.messages.create(model="claude-haiku-5-5", max_tokens=99, messages=QUESTION, stream=True))
    last = list(cohere_client.chat_stream(model="command-a-03-2025", messages=QUESTION))[-1]
    assert last.delta.finish_reason == "ERROR"
    assert [call["worked_output_tokens"] for call in simulator.wait_for_calls(3)] == [3, 1, 2]


@pytest.mark.parametrize("kind", ["hang", "hang_after_headers", "hang_after_chunks"])
def test_a_hang_of_so_many_seconds_ends_in_the_whole_answer(simulator: RunningSimulator, kind: str) -> None:
    usage = true_usage(simulator)
    simulator.spoil(kind, seconds=0.3)
    started = time.monotonic()
    whole = chat(simulator)
    between = time.monotonic()
    streamed = events(simulator)

    assert whole.json()["usage"] == usage
    assert between - started >= 0.3
    assert time.monotonic() - between >= 0.3
    assert streamed[-1] == "[DONE]"
    for call in simulator.wait_for_calls(2):
        assert (call["fault"], call["worked_output_tokens"]) == (kind, usage["completion_tokens"])


def test_a_hang_comes_after_exactly_so_many_chunks(simulator: RunningSimulator) -> None:
    simulator.spoil("hang_after_chunks", after_chunks=3)
    lines: list[str] = []
    with stream(simulator, timeout=1) as response, pytest.raises(httpx.ReadTimeout):
        lines.extend(line for line in response.iter_lines() if line)

    call = only_call(simulator)
    assert len(lines) == 3
    assert (call["outcome"], call["worked_output_tokens"]) == ("injected_error", 2)


def test_headers_may_come_and_nothing_else(simulator: RunningSimulator) -> None:
    simulator.spoil("hang_after_headers")
    with stream(simulator, timeout=1) as response:
        assert response.status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            next(response.iter_bytes())

    call = only_call(simulator)
    assert call["worked_output_tokens"] == 0
    assert call["worked_input_tokens"] > 0


@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        ("negative", lambda true: -true - 1),
        ("huge", lambda true: 9_000_000_000_000 + true),
        ("beyond_int64", lambda true: 10**30 + true),
        ("fraction", lambda true: true + 0.5),
        ("text", str),
        ("list", lambda true: [true]),
    ],
)
def test_usage_can_lie_and_the_ledger_does_not(simulator: RunningSimulator, lie: str, expected: Any) -> None:
    usage = true_usage(simulator)
    simulator.spoil("bad_usage", usage=lie)
    told = chat(simulator).json()["usage"]
    streamed = [json.loads(event)["usage"] for event in events(simulator)[:-1]]

    assert told["completion_tokens"] == expected(usage["completion_tokens"])
    assert told["prompt_tokens_details"]["cached_tokens"] == expected(0)
    assert streamed[-1]["total_tokens"] == expected(usage["total_tokens"])
    for call in simulator.wait_for_calls(2):
        assert (call["worked_input_tokens"], call["worked_output_tokens"]) == (
            usage["prompt_tokens"],
            usage["completion_tokens"],
        )


def test_usage_can_be_missing_or_come_twice(simulator: RunningSimulator) -> None:
    simulator.spoil("bad_usage", usage="missing")
    assert "usage" not in chat(simulator).json()
    assert all('"usage":{' not in event for event in events(simulator))

    simulator.spoil("bad_usage", usage="duplicated")
    assert sum('"usage":{' in event for event in events(simulator)) == 2


@pytest.mark.parametrize(("path", "version"), [("/anthropic/v1/messages", "2023-06-01"), ("/cohere/v2/chat", "")])
def test_every_provider_s_usage_can_lie(simulator: RunningSimulator, path: str, version: str) -> None:
    model = "claude-haiku-5-5" if "anthropic" in path else "command-a-03-2025"
    body = {"model": model, "max_tokens": 50, "messages": QUESTION}
    simulator.spoil("bad_usage", usage="negative")
    response = httpx.post(simulator.url + path, headers=BEARER | {"anthropic-version": version}, json=body)

    usage = response.json()["usage"]
    assert usage.get("output_tokens", usage.get("tokens", {}).get("output_tokens")) < 0
    assert only_call(simulator)["worked_output_tokens"] > 0


def test_a_drip_arrives_byte_by_byte_and_whole(simulator: RunningSimulator) -> None:
    simulator.spoil("drip", pause_ms=0.2)

    assert chat(simulator).json()["choices"]
    assert only_call(simulator)["outcome"] == "injected_error"
    simulator.spoil("drip", pause_ms=5)
    with stream(simulator) as response:
        sizes = sorted(len(part) for _, part in zip(range(21), response.iter_raw(), strict=False))
    assert sizes[10] == 1


def test_a_chat_that_cannot_say_it_failed_tells_an_error(
    simulator: RunningSimulator, openai_client: openai.OpenAI
) -> None:
    simulator.spoil("failed")

    assert "error" in chat(simulator).json()
    with pytest.raises(openai.APIError):
        list(openai_client.chat.completions.create(**STREAM))
