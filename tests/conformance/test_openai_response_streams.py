"""The official `openai` client, reading responses as they are written."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.conformance.examples import Weather
from tests.conformance.test_openai_responses import MODEL, MODELS, function
from tests.served import Simulator, Tenant


def stream(gpt: openai.OpenAI, content: str, **fields: Any) -> list[Any]:
    return list(gpt.responses.create(**{"model": MODEL, "input": content, "stream": True, **fields}))


@pytest.mark.parametrize("model", MODELS)
def test_events_come_in_the_order_of_the_protocol(gpt: openai.OpenAI, model: str) -> None:
    events = stream(gpt, "Tell me of ships", model=model, reasoning={"effort": "none"} if model == MODEL else None)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events if event.type != "response.output_text.delta"]
    assert kinds == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
        "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed",
    ]  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_the_text_adds_up_to_the_whole_answer(gpt: openai.OpenAI, tenant: Tenant, model: str) -> None:
    events = stream(gpt, "Tell me of ships", model=model)
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    final = events[-1].response
    assert text == final.output_text
    assert final.usage.output_tokens == tenant.ledger(1)[0].output_tokens


@pytest.mark.parametrize("model", MODELS)
def test_parallel_tools_are_streamed(gpt: openai.OpenAI, model: str) -> None:
    tools = [function("get_weather"), function("get_time")]
    events = stream(gpt, "get_weather and get_time for Oslo", model=model, tools=tools)
    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    built: dict[int, str] = {}
    for event in events:
        if event.type == "response.function_call_arguments.delta":
            built[event.output_index] = built.get(event.output_index, "") + event.delta
    assert [event.arguments for event in done] == list(built.values())
    assert all("city" in json.loads(event.arguments) for event in done)
    calls = [item for item in events[-1].response.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather", "get_time"]


def test_the_stream_helper_parses_the_answer(gpt: openai.OpenAI) -> None:
    with gpt.responses.stream(model=MODEL, input="Weather in Oslo", text_format=Weather) as events:
        kinds = {event.type for event in events}
        final = events.get_final_response()
    assert "response.output_text.delta" in kinds
    assert isinstance(final.output_parsed, Weather)


def test_a_cached_answer_is_streamed_again(gpt: openai.OpenAI) -> None:
    def read() -> tuple[str, str]:
        with gpt.responses.with_streaming_response.create(model=MODEL, input="Once more", stream=True) as raw:
            events = list(raw.parse())
        return raw.headers["x-asahi-cache"], events[-1].response.output_text

    first, second = read(), read()
    assert (first[0], second[0]) == ("miss", "t1")
    assert first[1] == second[1]


def test_a_streamed_response_is_stored_like_a_whole_one(gpt: openai.OpenAI) -> None:
    final = stream(gpt, "Keep this")[-1].response
    assert gpt.responses.retrieve(final.id).output_text == final.output_text


def test_a_provider_that_fails_half_way_ends_the_stream_with_an_error(
    gpt: openai.OpenAI, simulator: Simulator, closed_breakers: None
) -> None:
    simulator.faults(half_stream_rate=1.0)
    kinds = [event.type for event in stream(gpt, "Half of it")]
    assert "response.output_text.delta" in kinds
    assert kinds[-1] in {"error", "response.failed"}
    assert "response.completed" not in kinds


async def test_the_asynchronous_client_streams_too(async_gpt: openai.AsyncOpenAI) -> None:
    async with async_gpt.responses.stream(model=MODEL, input="Hello") as events:
        text = "".join([event.delta async for event in events if event.type == "response.output_text.delta"])
        final = await events.get_final_response()
    assert text == final.output_text
