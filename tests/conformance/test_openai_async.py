"""The official `openai` client in its asynchronous form."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from tests.conformance.examples import Weather, function
from tests.served import Simulator

LUNA = "gpt-6-luna"


def asked(prompt: str, **fields: Any) -> Any:
    return {"model": LUNA, "messages": [{"role": "user", "content": prompt}], **fields}


async def test_a_completion_is_awaited(async_gpt: openai.AsyncOpenAI) -> None:
    answer = await async_gpt.chat.completions.create(**asked("Hello"))
    assert answer.choices[0].message.content


async def test_many_at_once_each_get_their_own_answer(async_gpt: openai.AsyncOpenAI, simulator: Simulator) -> None:
    for number in range(12):
        simulator.record(LUNA, f"Who is number {number}?", f"I am number {number}.")
    answers = await asyncio.gather(
        *(async_gpt.chat.completions.create(**asked(f"Who is number {number}?")) for number in range(12))
    )
    texts = [answer.choices[0].message.content for answer in answers]
    assert texts == [f"I am number {number}." for number in range(12)]


async def test_a_stream_is_read_with_async_for(async_gpt: openai.AsyncOpenAI) -> None:
    text = ""
    async for chunk in await async_gpt.chat.completions.create(**asked("Hello"), stream=True):
        text += chunk.choices[0].delta.content or ""
    assert text


async def test_the_stream_helper_builds_the_completion(async_gpt: openai.AsyncOpenAI) -> None:
    async with async_gpt.chat.completions.stream(**asked("Weather"), response_format=Weather) as stream:
        async for event in stream:
            assert event.type
        final = await stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Weather)


async def test_tools_are_called_in_parallel_in_a_stream(async_gpt: openai.AsyncOpenAI) -> None:
    tools: Any = [function("get_weather"), function("get_time")]
    async with async_gpt.chat.completions.stream(**asked("get_weather and get_time"), tools=tools) as stream:
        final = await stream.get_final_completion()
    calls = final.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]


async def test_a_parsed_answer_is_awaited(async_gpt: openai.AsyncOpenAI) -> None:
    answer = await async_gpt.chat.completions.parse(**asked("Weather"), response_format=Weather)
    assert isinstance(answer.choices[0].message.parsed, Weather)


async def test_raw_and_streamed_responses_show_the_headers(async_gpt: openai.AsyncOpenAI) -> None:
    raw = await async_gpt.chat.completions.with_raw_response.create(**asked("Raw"))
    assert float(raw.headers["x-asahi-cost"]) > 0
    async with async_gpt.chat.completions.with_streaming_response.create(**asked("Raw")) as response:
        assert response.headers["x-asahi-cache"] == "t1"
        assert [line async for line in response.iter_lines()]


async def test_a_cancelled_call_leaves_the_client_usable(async_gpt: openai.AsyncOpenAI, simulator: Simulator) -> None:
    simulator.faults(latency_ms=3000, times=1)
    call = asyncio.create_task(async_gpt.chat.completions.create(**asked("Never mind")))
    await asyncio.sleep(0.3)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await async_gpt.chat.completions.create(**asked("Mind"))).choices[0].message.content
