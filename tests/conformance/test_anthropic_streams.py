"""The official `anthropic` client, reading messages as they are written."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from tests.conformance.examples import Weather, client_tool
from tests.served import Simulator, Tenant

HAIKU = "claude-haiku-5-5"
MODELS = (HAIKU, "gpt-6-luna")


def asked(prompt: str, model: str = HAIKU, **fields: Any) -> Any:
    return {"model": model, "max_tokens": 400, "messages": [{"role": "user", "content": prompt}], **fields}


@pytest.mark.parametrize("model", MODELS)
def test_events_come_in_the_order_of_the_protocol(claude: anthropic.Anthropic, model: str) -> None:
    kinds = [event.type for event in claude.messages.create(**asked("Tell me of ships", model), stream=True)]
    assert [kind for kind in kinds if kind not in ("ping", "content_block_delta")] == [
        "message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop",
    ]  # fmt: skip
    assert kinds.count("content_block_delta") > 3


@pytest.mark.parametrize("model", MODELS)
def test_the_text_adds_up_to_the_whole_answer(claude: anthropic.Anthropic, tenant: Tenant, model: str) -> None:
    uncached = {"x-asahi-cache": "off"}
    whole = claude.messages.create(**asked("Tell me of ships", model), extra_headers=uncached)
    with claude.messages.stream(**asked("Tell me of ships", model), extra_headers=uncached) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text == whole.content[0].text
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert final.usage.input_tokens + (final.usage.cache_read_input_tokens or 0) == tenant.ledger(2)[1].input_tokens


def test_thinking_is_streamed_before_the_text(claude: anthropic.Anthropic) -> None:
    fields = asked("Think", thinking={"type": "adaptive", "display": "summarized"}, max_tokens=2000)
    with claude.messages.stream(**fields) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert kinds.index("thinking") < kinds.index("text")
    assert "signature" in kinds
    assert [block.type for block in final.content] == ["thinking", "text"]


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "gpt-5.4-mini"])
def test_parallel_tools_are_streamed(claude: anthropic.Anthropic, model: str) -> None:
    tools: Any = [client_tool("get_weather"), client_tool("get_time")]
    with claude.messages.stream(**asked("get_weather and get_time for Oslo", model), tools=tools) as stream:
        partial = [event.partial_json for event in stream if event.type == "input_json"]
        final = stream.get_final_message()
    assert partial
    assert final.stop_reason == "tool_use"
    used = [block for block in final.content if block.type == "tool_use"]
    assert [block.name for block in used] == ["get_weather", "get_time"]
    assert all(isinstance(block.input["city"], str) for block in used)


def test_a_shape_is_parsed_when_the_stream_ends(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(**asked("Weather in Oslo"), output_format=Weather) as stream:
        stream.until_done()
        assert isinstance(stream.get_final_message().parsed_output, Weather)


def test_a_cached_answer_is_streamed_again(claude: anthropic.Anthropic) -> None:
    def read() -> Any:
        with claude.messages.stream(**asked("Once more")) as stream:
            final = stream.get_final_message()
            return stream.response.headers["x-asahi-cache"], final.content, final.usage.output_tokens

    first, second = read(), read()
    assert (first[0], second[0]) == ("miss", "t1")
    assert first[1:] == second[1:]


def test_a_provider_that_fails_half_way_raises_in_the_reader(
    claude: anthropic.Anthropic, simulator: Simulator, closed_breakers: None
) -> None:
    simulator.faults(half_stream_rate=1.0)
    seen = []
    with pytest.raises(anthropic.APIStatusError) as raised, claude.messages.stream(**asked("Half of it")) as stream:
        seen.extend(stream.text_stream)
    assert seen
    assert raised.value.body["error"]["type"] in {"api_error", "overloaded_error"}


async def test_the_asynchronous_client_streams_too(async_claude: anthropic.AsyncAnthropic) -> None:
    async with async_claude.messages.stream(**asked("Hello")) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        final = await stream.get_final_message()
    assert text == final.content[0].text
