"""Tool calls and structured output of the simulated chat completions, with the official SDK."""

from __future__ import annotations

import json
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel, Field

MODEL = "gpt-6-luna"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place.",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
            },
            "required": ["location", "unit", "days"],
        },
    },
}
TIME: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}},
}


class Weather(BaseModel):
    location: str
    unit: Literal["celsius", "fahrenheit"]
    days: int = Field(ge=1, le=7)


def ask(client: openai.OpenAI, text: str, **more: Any) -> Any:
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model=MODEL, messages=messages, **more).choices[0]


def test_a_question_that_names_a_tool_gets_a_call_that_fits_its_schema(openai_client: openai.OpenAI) -> None:
    choice = ask(openai_client, "Use the get_weather tool for Paris please", tools=[WEATHER, TIME])

    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    [call] = choice.message.tool_calls
    assert call.id.startswith("call_")
    assert call.function.name == "get_weather"
    assert Weather.model_validate_json(call.function.arguments).location == "Paris"


def test_a_question_without_the_word_is_answered_in_text(openai_client: openai.OpenAI) -> None:
    choice = ask(openai_client, "How are you today?", tools=[WEATHER])

    assert choice.finish_reason == "stop"
    assert choice.message.tool_calls is None
    assert choice.message.content


def test_the_word_tool_alone_calls_the_first(openai_client: openai.OpenAI) -> None:
    choice = ask(openai_client, "Use a tool to find out", tools=[TIME, WEATHER])

    assert [call.function.name for call in choice.message.tool_calls] == ["get_time"]


def test_required_always_calls_and_none_never_does(openai_client: openai.OpenAI) -> None:
    required = ask(openai_client, "Hello", tools=[WEATHER], tool_choice="required")
    none = ask(openai_client, "Use the get_weather tool", tools=[WEATHER], tool_choice="none")

    assert required.finish_reason == "tool_calls"
    assert none.finish_reason == "stop"


def test_a_named_tool_is_the_one_called(openai_client: openai.OpenAI) -> None:
    named = {"type": "function", "function": {"name": "get_time"}}
    choice = ask(openai_client, "Use get_weather", tools=[WEATHER, TIME], tool_choice=named)

    assert [call.function.name for call in choice.message.tool_calls] == ["get_time"]


def test_two_named_tools_are_called_at_once_unless_forbidden(openai_client: openai.OpenAI) -> None:
    text = "Call get_weather and get_time for Rome"
    both = ask(openai_client, text, tools=[WEATHER, TIME])
    one = ask(openai_client, text, tools=[WEATHER, TIME], parallel_tool_calls=False)

    assert [call.function.name for call in both.message.tool_calls] == ["get_weather", "get_time"]
    assert len({call.id for call in both.message.tool_calls}) == 2
    assert len(one.message.tool_calls) == 1


def test_only_allowed_tools_are_called(openai_client: openai.OpenAI) -> None:
    allowed = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]},
    }
    choice = ask(openai_client, "Use get_weather", tools=[WEATHER, TIME], tool_choice=allowed)

    assert [call.function.name for call in choice.message.tool_calls] == ["get_time"]


def test_the_result_of_a_tool_is_answered_in_text(openai_client: openai.OpenAI) -> None:
    question = {"role": "user", "content": "Use the get_weather tool for Paris"}
    called = openai_client.chat.completions.create(model=MODEL, messages=[question], tools=[WEATHER]).choices[0].message
    assert called.tool_calls is not None
    result = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": '{"celsius": 21}'}
    history = [question, called.model_dump(exclude_none=True), result]
    answer = openai_client.chat.completions.create(model=MODEL, messages=history, tools=[WEATHER]).choices[0]

    assert answer.finish_reason == "stop"
    assert answer.message.content


def test_a_streamed_call_is_the_same_call_in_pieces(openai_client: openai.OpenAI) -> None:
    request: dict[str, Any] = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Use get_weather and get_time for Paris"}],
        "tools": [WEATHER, TIME],
    }
    whole = openai_client.chat.completions.create(**request)
    with openai_client.chat.completions.stream(**request) as stream:
        pieces = sum(event.type == "tool_calls.function.arguments.delta" for event in stream)
        streamed = stream.get_final_completion()

    def calls_of(message: Any) -> list[tuple[str, str, str]]:
        return [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls]

    assert calls_of(streamed.choices[0].message) == calls_of(whole.choices[0].message)
    assert streamed.choices[0].finish_reason == "tool_calls"
    assert pieces > 5


def test_a_custom_tool_gets_free_text(openai_client: openai.OpenAI) -> None:
    tool = {"type": "custom", "custom": {"name": "run_code", "description": "Runs code."}}
    choice = ask(openai_client, "Please run_code that prints primes", tools=[tool])

    assert choice.message.tool_calls[0].type == "custom"
    assert choice.message.tool_calls[0].custom.input


def test_the_older_functions_are_called_in_their_own_field(openai_client: openai.OpenAI) -> None:
    choice = ask(openai_client, "Call get_weather for Oslo", functions=[WEATHER["function"]])

    assert choice.finish_reason == "function_call"
    assert Weather.model_validate_json(choice.message.function_call.arguments).location == "Oslo"


def test_a_call_cut_by_the_token_limit_finishes_with_length(openai_client: openai.OpenAI) -> None:
    full = ask(openai_client, "Use get_weather for Paris", tools=[WEATHER]).message.tool_calls[0].function.arguments
    choice = ask(openai_client, "Use get_weather for Paris", tools=[WEATHER], max_completion_tokens=5)

    assert choice.finish_reason == "length"
    cut = choice.message.tool_calls[0].function.arguments
    assert full.startswith(cut)
    assert cut != full


def test_json_mode_gives_an_object(openai_client: openai.OpenAI) -> None:
    choice = ask(openai_client, "Describe Paris as JSON", response_format={"type": "json_object"})

    assert json.loads(choice.message.content)["simulated"] is True


class City(BaseModel):
    name: str
    population: int = Field(ge=1000, le=50_000_000)
    coastal: bool
    districts: list[str] = Field(min_length=2, max_length=4)
    mayor: str | None
    climate: Literal["mild", "hot", "cold"]


class Atlas(BaseModel):
    cities: list[City]
    largest: City


def test_the_sdk_parses_structured_output_into_the_caller_s_own_type(openai_client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "List cities near Paris"}]
    completion = openai_client.chat.completions.parse(model=MODEL, messages=messages, response_format=Atlas)

    parsed = completion.choices[0].message.parsed
    assert isinstance(parsed, Atlas)
    assert 2 <= len(parsed.largest.districts) <= 4


def test_a_schema_without_a_finite_instance_is_refused(openai_client: openai.OpenAI) -> None:
    endless = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "endless", "schema": endless}}

    with pytest.raises(openai.BadRequestError) as refused:
        ask(openai_client, "Hello", response_format=wanted)
    assert refused.value.code == "invalid_json_schema"
