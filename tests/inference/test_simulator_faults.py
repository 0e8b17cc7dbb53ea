"""Slow, failing, half-finished, garbled and silent answers on demand, and clients that leave."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import anthropic
import httpx
import httpx2
import openai
import pytest

from inference.simulator.faults import FaultPlan, FaultSwitch, Trouble
from tests.inference.simulator_process import KEY, RunningSimulator

MODEL = "gpt-6-luna"
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]
CHAT: dict[str, Any] = {"model": MODEL, "messages": QUESTION}
BEARER = {"authorization": f"Bearer {KEY}"}


def chat(simulator: RunningSimulator, *, timeout: float = 10, **more: Any) -> httpx.Response:
    url = f"{simulator.url}/openai/v1/chat/completions"
    return httpx.post(url, headers=BEARER, json=CHAT | more, timeout=timeout)


def test_an_injected_error_has_the_provider_s_shape_and_a_retry_after(
    simulator: RunningSimulator, anthropic_client: anthropic.Anthropic
) -> None:
    simulator.disturb(error_rate=1.0, error_status=429, retry_after=7)
    response = chat(simulator)

    assert response.status_code == 429
    assert response.headers["retry-after"] == "7"
    assert response.json()["error"]["code"] == "rate_limit_exceeded"
    with pytest.raises(anthropic.RateLimitError) as limited:
        anthropic_client.messages.create(model="claude-haiku-5-5", max_tokens=10, messages=QUESTION)
    assert limited.value.type == "rate_limit_error"
    assert [call["outcome"] for call in simulator.calls()] == ["injected_error"] * 2
    assert {call["output_tokens"] for call in simulator.calls()} == {0}


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, openai.InternalServerError), (503, openai.InternalServerError), (401, openai.AuthenticationError)],
)
def test_every_status_raises_what_the_sdk_has_for_it(
    simulator: RunningSimulator, openai_client: openai.OpenAI, status: int, error: type[openai.APIStatusError]
) -> None:
    simulator.disturb(error_rate=1.0, error_status=status)

    with pytest.raises(error):
        openai_client.chat.completions.create(**CHAT)


def test_anthropic_s_own_overload_status_is_sent(
    simulator: RunningSimulator, anthropic_client: anthropic.Anthropic
) -> None:
    simulator.disturb(error_rate=1.0, error_status=529)

    with pytest.raises(anthropic.APIStatusError) as overloaded:
        anthropic_client.messages.create(model="claude-haiku-5-5", max_tokens=10, messages=QUESTION)
    assert (overloaded.value.status_code, overloaded.value.type) == (529, "overloaded_error")


def test_a_plan_for_the_next_calls_ends_by_itself(simulator: RunningSimulator) -> None:
    simulator.disturb(error_rate=1.0, times=2)

    assert [chat(simulator).status_code for _ in range(4)] == [500, 500, 200, 200]


def test_a_plan_for_a_model_leaves_the_others_alone(simulator: RunningSimulator) -> None:
    simulator.disturb(error_rate=1.0, models=["gpt-5.4-mini"], times=1)

    assert [chat(simulator, model=model).status_code for model in (MODEL, "gpt-5.4-mini", "gpt-5.4-mini")] == [
        200,
        500,
        200,
    ]


def test_a_refused_request_uses_up_no_fault(simulator: RunningSimulator) -> None:
    simulator.disturb(error_rate=1.0, times=1)

    assert [chat(simulator, n=n).status_code for n in (0, 1, 1)] == [400, 500, 200]


def test_the_same_seed_and_call_number_meet_the_same_fault() -> None:
    plan = FaultPlan(error_rate=0.3, hang_rate=0.2)

    def troubles(seed: int) -> list[Trouble]:
        switch = FaultSwitch(base=FaultPlan(), seed=seed)
        switch.set(plan)
        return [switch.next_for(MODEL).trouble for _ in range(400)]

    first = troubles(1)
    assert first == troubles(1)
    assert first != troubles(2)
    assert 80 <= first.count(Trouble.ERROR) <= 160
    assert 40 <= first.count(Trouble.HANG) <= 120


def test_latency_comes_before_the_answer(simulator: RunningSimulator) -> None:
    simulator.disturb(latency_ms=150)
    started = time.monotonic()

    assert chat(simulator).status_code == 200
    assert time.monotonic() - started >= 0.15


def test_a_slow_stream_waits_before_its_first_byte_and_between_chunks(
    simulator: RunningSimulator, openai_client: openai.OpenAI
) -> None:
    simulator.disturb(first_byte_ms=200, chunk_ms=20)
    started = time.monotonic()
    times = [
        time.monotonic() - started
        for _ in openai_client.chat.completions.create(**CHAT, max_completion_tokens=8, stream=True)
    ]

    assert times[0] >= 0.2
    assert times[-1] - times[0] >= 0.15


def test_half_a_stream_breaks_off_without_its_end(simulator: RunningSimulator) -> None:
    whole = chat(simulator).json()["usage"]["completion_tokens"]
    simulator.disturb(half_stream_rate=1.0)
    received: list[bytes] = []
    url = f"{simulator.url}/openai/v1/chat/completions"
    with (
        httpx.stream("POST", url, headers=BEARER, json=CHAT | {"stream": True}) as response,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        received.extend(response.iter_bytes())

    assert any(b'"content":"' in chunk for chunk in received)
    assert not any(b"[DONE]" in chunk for chunk in received)
    call = simulator.calls()[-1]
    assert (call["outcome"], call["stream"]) == ("injected_error", True)
    assert 0 < call["output_tokens"] < whole


def test_half_a_message_stream_has_no_stop(simulator: RunningSimulator, anthropic_client: anthropic.Anthropic) -> None:
    simulator.disturb(half_stream_rate=1.0)
    names: list[str] = []
    stream = anthropic_client.messages.create(model="claude-haiku-5-5", max_tokens=500, messages=QUESTION, stream=True)

    with pytest.raises(httpx2.RemoteProtocolError):
        names.extend(event.type for event in stream)
    assert "content_block_delta" in names
    assert "message_stop" not in names


def test_half_an_answer_is_shorter_than_it_promised(simulator: RunningSimulator) -> None:
    simulator.disturb(half_stream_rate=1.0)

    with pytest.raises(httpx.RemoteProtocolError):
        chat(simulator)


def test_garbage_is_a_success_with_broken_json(simulator: RunningSimulator, openai_client: openai.OpenAI) -> None:
    simulator.disturb(garbage_rate=1.0)
    response = chat(simulator)

    assert response.status_code == 200
    with pytest.raises(ValueError, match="Expecting"):
        response.json()
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        list(openai_client.chat.completions.create(**CHAT, stream=True))
    assert [call["outcome"] for call in simulator.calls()] == ["injected_error"] * 2


def test_a_hanging_call_says_nothing_until_the_client_leaves(simulator: RunningSimulator) -> None:
    simulator.disturb(hang_rate=1.0, times=1)

    with pytest.raises(httpx.ReadTimeout):
        chat(simulator, timeout=0.3)
    [call] = simulator.wait_for_calls(1)
    assert (call["outcome"], call["output_tokens"]) == ("injected_error", 0)
    assert chat(simulator).status_code == 200


def test_a_client_that_leaves_a_stream_pays_for_what_was_sent(
    simulator: RunningSimulator, openai_client: openai.OpenAI
) -> None:
    simulator.record(QUESTION[0]["content"], "word " * 2000)
    simulator.disturb(chunk_ms=5)
    seen = 0
    with openai_client.chat.completions.create(**CHAT, stream=True) as stream:
        for chunk in stream:
            seen += bool(chunk.choices[0].delta.content)
            if seen == 10:
                break
    left = time.monotonic()

    [call] = simulator.wait_for_calls(1)
    assert time.monotonic() - left < 1
    assert call["outcome"] == "client_disconnect"
    assert 10 <= call["output_tokens"] <= 60


def test_a_fast_stream_stops_too_when_the_client_leaves(simulator: RunningSimulator) -> None:
    simulator.record(QUESTION[0]["content"], "word " * 200_000)
    url = f"{simulator.url}/openai/v1/chat/completions"
    with httpx.stream("POST", url, headers=BEARER, json=CHAT | {"stream": True}) as response:
        next(response.iter_bytes())

    [call] = simulator.wait_for_calls(1)
    assert call["outcome"] == "client_disconnect"
    assert 0 < call["output_tokens"] < 150_000


def test_a_client_that_leaves_before_the_answer_got_nothing(simulator: RunningSimulator) -> None:
    simulator.disturb(latency_ms=5000)

    with pytest.raises(httpx.ReadTimeout):
        chat(simulator, timeout=0.2)
    [call] = simulator.wait_for_calls(1, seconds=2)
    assert (call["outcome"], call["input_tokens"], call["output_tokens"]) == ("client_disconnect", 0, 0)


async def test_a_reader_that_does_not_read_is_waited_for(simulator: RunningSimulator) -> None:
    """Backpressure: a stopped reader stops the stream instead of filling the simulator's memory."""
    simulator.record(QUESTION[0]["content"], "word " * 300_000)
    url = f"{simulator.url}/openai/v1/chat/completions"
    async with aiohttp.ClientSession(read_bufsize=2**16) as session:
        async with session.post(url, headers=BEARER, json=CHAT | {"stream": True}) as response:
            await response.content.readany()
            await asyncio.sleep(1)
            waiting = simulator.calls()
        [call] = await asyncio.to_thread(simulator.wait_for_calls, 1)

    assert waiting == []
    assert call["outcome"] == "client_disconnect"
    assert call["output_tokens"] < 150_000


async def test_hundreds_of_streams_run_at_once(simulator: RunningSimulator) -> None:
    simulator.disturb(chunk_ms=10)
    url = f"{simulator.url}/openai/v1/chat/completions"

    async def read(session: aiohttp.ClientSession) -> bool:
        body = CHAT | {"stream": True, "max_completion_tokens": 20}
        async with session.post(url, headers=BEARER, json=body) as response:
            return (await response.read()).endswith(b"data: [DONE]\n\n")

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        assert all(await asyncio.gather(*(read(session) for _ in range(300))))
    calls = simulator.wait_for_calls(300)
    assert {(call["outcome"], call["output_tokens"]) for call in calls} == {("ok", 20)}
