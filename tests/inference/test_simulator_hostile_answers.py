"""Answers that a provider must never send, made to order, and a ledger that knows what was really done."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import anthropic
import cohere
import httpx
import openai
import pytest

from inference.simulator.faults import FaultPlan, FaultRule, FaultSwitch, Trouble
from tests.inference.simulator_process import KEY, RunningSimulator

MODEL = "gpt-6-luna"
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]
CHAT: dict[str, Any] = {"model": MODEL, "messages": QUESTION}
STREAM = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
BEARER = {"authorization": f"Bearer {KEY}"}


def chat(simulator: RunningSimulator, *, timeout: float = 10, **more: Any) -> httpx.Response:
    url = f"{simulator.url}/openai/v1/chat/completions"
    return httpx.post(url, headers=BEARER, json=CHAT | more, timeout=timeout)


@contextmanager
def stream(simulator: RunningSimulator, *, timeout: float = 10) -> Iterator[httpx.Response]:
    url = f"{simulator.url}/openai/v1/chat/completions"
    with httpx.stream("POST", url, headers=BEARER, json=STREAM, timeout=timeout) as response:
        yield response


def events(simulator: RunningSimulator) -> list[str]:
    with stream(simulator) as response:
        return [line.removeprefix("data: ") for line in response.iter_lines() if line]


def said(event: str) -> str:
    choices = json.loads(event)["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""


def true_usage(simulator: RunningSimulator) -> dict[str, Any]:
    """What the undisturbed answer tells."""
    simulator.control("POST", "/reset")
    usage: dict[str, Any] = chat(simulator).json()["usage"]
    simulator.control("POST", "/reset")
    return usage


def only_call(simulator: RunningSimulator) -> dict[str, Any]:
    [call] = simulator.wait_for_calls(1)
    return call


def most_memory(simulator: RunningSimulator) -> int:
    """The most bytes that its process ever held."""
    status = Path(f"/proc/{simulator.pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


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


@pytest.mark.parametrize("given", [3, 0.5, "86400000", "soon"])
def test_retry_after_is_sent_as_it_was_asked_for(simulator: RunningSimulator, given: Any) -> None:
    simulator.spoil("error", status=429, retry_after=given)
    response = chat(simulator)

    assert (response.status_code, response.headers["retry-after"]) == (429, str(given))


def test_retry_after_may_be_a_date_or_missing(simulator: RunningSimulator) -> None:
    simulator.spoil("error", status=429, retry_after_date=30)
    until = parsedate_to_datetime(chat(simulator).headers["retry-after"]).timestamp()
    assert 25 < until - time.time() < 35

    simulator.spoil("error", status=429)
    assert "retry-after" not in chat(simulator).headers


@pytest.mark.parametrize("status", [500, 502, 503, 529])
def test_any_error_status_comes_before_any_work(simulator: RunningSimulator, status: int) -> None:
    simulator.spoil("error", status=status)

    assert chat(simulator).status_code == status
    call = only_call(simulator)
    assert (call["worked_input_tokens"], call["worked_output_tokens"], call["fault"]) == (0, 0, "error")


def test_a_redirect_points_to_another_host(simulator: RunningSimulator) -> None:
    simulator.spoil("redirect", location="http://127.0.0.1:1/v1")
    response = chat(simulator)

    assert (response.status_code, response.headers["location"]) == (302, "http://127.0.0.1:1/v1")
    simulator.spoil("redirect", status=307)
    assert chat(simulator).status_code == 307


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
    with stream(simulator, timeout=0.5) as response, pytest.raises(httpx.ReadTimeout):
        lines.extend(line for line in response.iter_lines() if line)

    call = only_call(simulator)
    assert len(lines) == 3
    assert (call["outcome"], call["worked_output_tokens"]) == ("injected_error", 2)


def test_headers_may_come_and_nothing_else(simulator: RunningSimulator) -> None:
    simulator.spoil("hang_after_headers")
    with stream(simulator, timeout=0.3) as response:
        assert response.status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            next(response.iter_bytes())

    call = only_call(simulator)
    assert call["worked_output_tokens"] == 0
    assert call["worked_input_tokens"] > 0


def test_a_body_grows_to_any_size_and_stays_json(simulator: RunningSimulator) -> None:
    simulator.spoil("huge", size=300_000)
    body = chat(simulator)

    assert len(body.content) > 300_000
    assert body.json()["choices"][0]["message"]["content"]


def test_a_hundred_megabytes_are_sent_without_being_held(simulator: RunningSimulator) -> None:
    before = most_memory(simulator)
    simulator.spoil("huge")
    url = f"{simulator.url}/openai/v1/chat/completions"
    with httpx.stream("POST", url, headers=BEARER, json=CHAT, timeout=60) as response:
        size = sum(len(part) for part in response.iter_raw())

    assert size > 100_000_000
    assert most_memory(simulator) - before < 30_000_000
    assert only_call(simulator)["fault"] == "huge"


def test_a_single_event_grows_to_any_size(simulator: RunningSimulator) -> None:
    usage = true_usage(simulator)
    simulator.spoil("huge", size=300_000, after_chunks=2)
    received = events(simulator)

    assert len(received[2]) > 300_000
    assert said(received[2])
    assert only_call(simulator)["worked_output_tokens"] == usage["completion_tokens"]


def test_a_stream_without_end_is_counted_until_the_client_leaves(simulator: RunningSimulator) -> None:
    usage = true_usage(simulator)
    simulator.spoil("endless")
    heard = 0
    with stream(simulator) as response:
        for line in response.iter_lines():
            heard += bool(line and said(line.removeprefix("data: ")))
            if heard > usage["completion_tokens"] + 50:
                break

    call = only_call(simulator)
    assert call["fault"] == "endless"
    assert call["worked_output_tokens"] >= heard


def test_a_body_without_end_is_sent_until_the_client_leaves(simulator: RunningSimulator) -> None:
    simulator.spoil("endless")
    size = 0
    url = f"{simulator.url}/openai/v1/chat/completions"
    with httpx.stream("POST", url, headers=BEARER, json=CHAT) as response:
        for part in response.iter_raw():
            size += len(part)
            if size > 2_000_000:
                break

    assert only_call(simulator)["fault"] == "endless"


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
    with stream(simulator) as response:
        assert max(len(part) for _, part in zip(range(20), response.iter_raw(), strict=False)) < 50


def test_a_bomb_is_small_on_the_wire_and_vast_unpacked(simulator: RunningSimulator) -> None:
    simulator.spoil("gzip_bomb", size=20_000_000)
    url = f"{simulator.url}/openai/v1/chat/completions"
    with httpx.stream("POST", url, headers=BEARER | {"accept-encoding": "identity"}, json=CHAT) as response:
        wire = b"".join(response.iter_raw())

    assert response.headers["content-encoding"] == "gzip"
    assert len(wire) < 200_000
    assert len(zlib.decompress(wire, wbits=31)) > 20_000_000


def test_a_bomb_in_a_stream_is_one_event(simulator: RunningSimulator) -> None:
    simulator.spoil("gzip_bomb", size=1_000_000)
    [event] = events(simulator)

    assert len(json.loads(event)["padding"]) == 1_000_000


def test_a_single_event_of_a_hundred_megabytes_is_sent(simulator: RunningSimulator) -> None:
    simulator.spoil("huge", after_chunks=1)
    with stream(simulator, timeout=60) as response:
        size = sum(len(part) for part in response.iter_raw())

    assert size > 100_000_000


def test_a_chat_that_cannot_say_it_failed_tells_an_error(
    simulator: RunningSimulator, openai_client: openai.OpenAI
) -> None:
    simulator.spoil("failed")

    assert "error" in chat(simulator).json()
    with pytest.raises(openai.APIError):
        list(openai_client.chat.completions.create(**STREAM))


def test_each_rule_has_its_own_count_and_models(simulator: RunningSimulator) -> None:
    simulator.disturb(
        rules=[
            {"kind": "error", "status": 503, "times": 1, "models": [MODEL]},
            {"kind": "error", "status": 429, "times": 2},
        ]
    )

    asked = ["gpt-5.4-mini", MODEL, MODEL, MODEL]
    assert [chat(simulator, model=model).status_code for model in asked] == [429, 503, 429, 200]
    assert simulator.stats()["faults"] == {"error": 3}


def test_a_rule_s_rate_is_a_share_of_the_calls() -> None:
    def hits(seed: int) -> list[Trouble]:
        switch = FaultSwitch(base=FaultPlan(), seed=seed)
        switch.set(FaultPlan(rules=(FaultRule(Trouble.DRIP, rate=0.25),)))
        return [switch.next_for(MODEL).trouble for _ in range(400)]

    assert hits(1) == hits(1) != hits(2)
    assert 70 <= hits(1).count(Trouble.DRIP) <= 130


def test_a_rule_for_a_path_meets_free_calls_too(simulator: RunningSimulator) -> None:
    simulator.spoil("error", status=500, paths=["/v1/models"])

    assert httpx.get(f"{simulator.url}/openai/v1/models", headers=BEARER).status_code == 500
    assert chat(simulator).status_code == 200
    simulator.spoil("garbage")
    assert httpx.get(f"{simulator.url}/openai/v1/models", headers=BEARER).json()["data"]
    simulator.spoil("garbage", paths=["/v1/models"])
    with pytest.raises(ValueError, match="Expecting"):
        httpx.get(f"{simulator.url}/openai/v1/models", headers=BEARER).json()
