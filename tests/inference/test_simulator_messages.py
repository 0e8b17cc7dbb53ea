"""The official Anthropic SDK against the simulated messages."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from pydantic import BaseModel, Field

from tests.inference.simulator_process import RunningSimulator

MODEL = "claude-haiku-5-5"
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER: Any = {
    "name": "get_weather",
    "input_schema": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
        "required": ["location", "days"],
    },
}
TIME: Any = {"name": "get_time", "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}}}


class Weather(BaseModel):
    location: str
    days: int = Field(ge=1, le=7)


def ask(client: anthropic.Anthropic, content: Any = QUESTION, **more: Any) -> Any:
    messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
    return client.messages.create(**{"model": MODEL, "max_tokens": 1000, "messages": messages} | more)


def test_an_answer_speaks_of_the_question_and_says_that_it_is_simulated(
    anthropic_client: anthropic.Anthropic,
) -> None:
    message = ask(anthropic_client)

    [block] = message.content
    assert "France" in block.text
    assert "simulated" in block.text.lower()
    assert (message.role, message.stop_reason, message.model) == ("assistant", "end_turn", MODEL)
    assert message.id.startswith("msg_01")
    assert message._request_id.startswith("req_")
    assert 10 <= message.usage.input_tokens <= 20
    assert 20 <= message.usage.output_tokens <= 110


def test_a_stream_builds_the_same_message(anthropic_client: anthropic.Anthropic) -> None:
    whole = ask(anthropic_client)
    with anthropic_client.messages.stream(model=MODEL, max_tokens=1000, messages=QUESTION) as stream:
        texts = [event.text for event in stream if event.type == "text"]
        streamed = stream.get_final_message()

    assert "".join(texts) == whole.content[0].text == streamed.content[0].text
    assert len(texts) == whole.usage.output_tokens == streamed.usage.output_tokens
    assert streamed.stop_reason == whole.stop_reason
    assert streamed.usage.input_tokens == whole.usage.input_tokens


def test_a_stream_s_events_come_in_the_order_of_the_protocol(anthropic_client: anthropic.Anthropic) -> None:
    request = {"model": MODEL, "max_tokens": 1000, "messages": QUESTION, "stream": True}
    with anthropic_client.messages.with_streaming_response.create(**request) as response:
        lines = list(response.iter_lines())
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]

    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert set(names[3:-3]) == {"content_block_delta"}
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert response.headers["request-id"].startswith("req_")


def test_a_question_that_names_a_tool_gets_a_call_that_fits_its_schema(anthropic_client: anthropic.Anthropic) -> None:
    message = ask(anthropic_client, "Use the get_weather tool for Paris", tools=[WEATHER, TIME])

    [block] = message.content
    assert (block.type, block.name, message.stop_reason) == ("tool_use", "get_weather", "tool_use")
    assert block.id.startswith("toolu_")
    assert Weather.model_validate(block.input).location == "Paris"


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "auto"}, []),
        ({"type": "none"}, []),
        ({"type": "any"}, ["get_weather"]),
        ({"type": "tool", "name": "get_time"}, ["get_time"]),
    ],
)
def test_the_tool_choice_is_kept(anthropic_client: anthropic.Anthropic, choice: Any, names: list[str]) -> None:
    message = ask(anthropic_client, "Hello", tools=[WEATHER, TIME], tool_choice=choice)

    assert [block.name for block in message.content if block.type == "tool_use"] == names


def test_two_named_tools_are_called_at_once_unless_forbidden(anthropic_client: anthropic.Anthropic) -> None:
    text = "Call get_weather and get_time for Rome"
    both = ask(anthropic_client, text, tools=[WEATHER, TIME])
    alone = {"type": "auto", "disable_parallel_tool_use": True}
    one = ask(anthropic_client, text, tools=[WEATHER, TIME], tool_choice=alone)

    assert [block.name for block in both.content] == ["get_weather", "get_time"]
    assert len(one.content) == 1


def test_a_streamed_call_is_the_same_call(anthropic_client: anthropic.Anthropic) -> None:
    messages: Any = [{"role": "user", "content": "Use get_weather and get_time for Paris"}]
    request: Any = {"model": MODEL, "max_tokens": 1000, "messages": messages, "tools": [WEATHER, TIME]}
    whole = anthropic_client.messages.create(**request)
    with anthropic_client.messages.stream(**request) as stream:
        streamed = stream.get_final_message()

    assert [block.input for block in streamed.content] == [block.input for block in whole.content]
    assert [block.id for block in streamed.content] == [block.id for block in whole.content]
    assert streamed.usage.output_tokens == whole.usage.output_tokens


def test_the_result_of_a_tool_is_answered_in_text(anthropic_client: anthropic.Anthropic) -> None:
    question = {"role": "user", "content": "Use the get_weather tool for Paris"}
    called = ask(anthropic_client, [question], tools=[WEATHER])
    result = {"type": "tool_result", "tool_use_id": called.content[0].id, "content": "21 degrees"}
    history = [question, called.to_param(), {"role": "user", "content": [result]}]
    message = ask(anthropic_client, history, tools=[WEATHER])

    assert [block.type for block in message.content] == ["text"]


def test_a_limited_answer_is_the_start_of_the_full_one(anthropic_client: anthropic.Anthropic) -> None:
    full, cut = ask(anthropic_client), ask(anthropic_client, max_tokens=6)

    assert cut.stop_reason == "max_tokens"
    assert cut.usage.output_tokens == 6
    assert full.content[0].text.startswith(cut.content[0].text)


def test_a_stop_sequence_is_named_and_not_part_of_the_text(anthropic_client: anthropic.Anthropic) -> None:
    full = ask(anthropic_client).content[0].text
    word = full.split()[4]
    message = ask(anthropic_client, stop_sequences=[word])

    assert message.content[0].text == full[: full.index(word)]
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", word)


@pytest.mark.parametrize("thinking", [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}])
def test_thinking_comes_first_is_signed_and_is_billed(
    anthropic_client: anthropic.Anthropic, thinking: dict[str, Any]
) -> None:
    request: Any = {"model": MODEL, "max_tokens": 2000, "messages": QUESTION, "thinking": thinking}
    message = anthropic_client.messages.create(**request)
    with anthropic_client.messages.stream(**request) as stream:
        streamed = stream.get_final_message()

    first, second = message.content
    assert (first.type, second.type) == ("thinking", "text")
    assert isinstance(first, anthropic.types.ThinkingBlock)
    assert first.thinking
    assert first.signature
    assert message.usage.output_tokens_details is not None
    assert 0 < message.usage.output_tokens_details.thinking_tokens < message.usage.output_tokens
    assert streamed.content[0] == first
    assert [block.type for block in streamed.content] == ["thinking", "text"]
    assert streamed.usage.output_tokens == message.usage.output_tokens


def test_omitted_thinking_is_billed_and_not_shown(anthropic_client: anthropic.Anthropic) -> None:
    shown = ask(anthropic_client, thinking={"type": "adaptive"})
    omitted = ask(anthropic_client, thinking={"type": "adaptive", "display": "omitted"})

    assert omitted.content[0].thinking == ""
    assert omitted.content[0].signature
    assert omitted.usage.output_tokens == shown.usage.output_tokens


def test_structured_output_fits_the_schema(anthropic_client: anthropic.Anthropic) -> None:
    parsed = anthropic_client.messages.parse(model=MODEL, max_tokens=500, messages=QUESTION, output_format=Weather)

    assert isinstance(parsed.parsed_output, Weather)


def test_a_count_is_what_the_message_then_costs(
    anthropic_client: anthropic.Anthropic, simulator: RunningSimulator
) -> None:
    system = "You are a careful geographer."
    counted = anthropic_client.messages.count_tokens(model=MODEL, messages=QUESTION, system=system, tools=[WEATHER])
    message = ask(anthropic_client, system=system, tools=[WEATHER])

    assert counted.input_tokens == message.usage.input_tokens
    assert len(simulator.calls()) == 1


def test_the_models_are_listed_page_by_page_and_found(anthropic_client: anthropic.Anthropic) -> None:
    names = [model.id for model in anthropic_client.models.list(limit=4)]

    assert {"claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"} <= set(names)
    assert len(names) == len(set(names)) > 4
    assert anthropic_client.models.retrieve("claude-opus-5-5").max_input_tokens == 1_000_000


def test_a_system_turn_in_the_middle_is_taken(anthropic_client: anthropic.Anthropic) -> None:
    history = [*QUESTION, {"role": "assistant", "content": "Paris."}, {"role": "system", "content": "Be brief."}]
    message = ask(anthropic_client, [*history, {"role": "user", "content": "And of Spain?"}])

    assert message.stop_reason == "end_turn"
