"""The official `openai` client with tools: called, answered, chosen, forbidden, streamed."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall, ChatCompletionMessageToolCallUnion

from tests.conformance.examples import City, Weather, function

MODELS = ("gpt-5.4-mini", "claude-sonnet-5-5", "command-a")
BOTH = [function("get_weather"), function("get_time")]


def called(calls: list[ChatCompletionMessageToolCallUnion] | None) -> list[tuple[str, dict[str, Any]]]:
    """Names and arguments of function calls."""
    assert calls
    assert all(isinstance(call, ChatCompletionMessageFunctionToolCall) for call in calls)
    return [(call.function.name, json.loads(call.function.arguments)) for call in calls]


def ask(gpt: openai.OpenAI, content: str, **fields: Any) -> Any:
    fields = {"model": MODELS[0], "tools": BOTH, **fields}
    return gpt.chat.completions.create(messages=[{"role": "user", "content": content}], **fields).choices[0]


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_is_called_answered_and_talked_about(gpt: openai.OpenAI, model: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "Use get_weather for Lisbon"}]
    choice = gpt.chat.completions.create(model=model, messages=messages, tools=BOTH).choices[0]
    assert choice.finish_reason == "tool_calls"
    [(name, arguments)] = called(choice.message.tool_calls)
    assert name == "get_weather"
    assert isinstance(arguments["city"], str)
    messages.append(choice.message)
    messages.append({"role": "tool", "tool_call_id": choice.message.tool_calls[0].id, "content": "21 degrees"})
    after = gpt.chat.completions.create(model=model, messages=messages, tools=BOTH).choices[0]
    assert after.finish_reason == "stop"
    assert after.message.content
    assert not after.message.tool_calls


@pytest.mark.parametrize("model", MODELS)
def test_two_tools_are_called_in_parallel(gpt: openai.OpenAI, model: str) -> None:
    choice = ask(gpt, "get_weather and get_time for Oslo", model=model)
    assert [name for name, _ in called(choice.message.tool_calls)] == ["get_weather", "get_time"]
    assert len({call.id for call in choice.message.tool_calls}) == 2


def test_parallel_calls_can_be_forbidden(gpt: openai.OpenAI) -> None:
    choice = ask(gpt, "get_weather and get_time for Oslo", parallel_tool_calls=False)
    assert len(choice.message.tool_calls) == 1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", ["get_weather"]),
        ("none", []),
        ("auto", []),
        ({"type": "function", "function": {"name": "get_time"}}, ["get_time"]),
    ],
    ids=["required", "none", "auto", "named"],
)
def test_the_caller_s_choice_of_tools_holds(gpt: openai.OpenAI, model: str, choice: Any, expected: list[str]) -> None:
    message = ask(gpt, "Hello there", model=model, tool_choice=choice).message
    assert [call.function.name for call in message.tool_calls or ()] == expected


def test_allowed_tools_limit_what_is_called(gpt: openai.OpenAI) -> None:
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]}
    choice = ask(gpt, "get_weather", tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert [name for name, _ in called(choice.message.tool_calls)] == ["get_time"]


def test_a_custom_tool_takes_free_text(gpt: openai.OpenAI) -> None:
    tool = {"type": "custom", "custom": {"name": "run_sql", "description": "Runs SQL", "format": {"type": "text"}}}
    messages: list[Any] = [{"role": "user", "content": "run_sql for all ships"}]
    message = gpt.chat.completions.create(model=MODELS[0], messages=messages, tools=[tool]).choices[0].message
    assert message.tool_calls
    call = message.tool_calls[0]
    assert call.type == "custom"
    assert call.custom.name == "run_sql"
    assert call.custom.input
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "3 ships"}]
    after = gpt.chat.completions.create(model=MODELS[0], messages=messages, tools=[tool])
    assert after.choices[0].message.content


def test_the_older_functions_still_work(gpt: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "Use get_weather for Rome"}]
    functions: Any = [function("get_weather")["function"]]
    choice = gpt.chat.completions.create(model="gpt-4o", messages=messages, functions=functions).choices[0]
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call is not None
    messages += [choice.message, {"role": "function", "name": "get_weather", "content": "24 degrees"}]
    after = gpt.chat.completions.create(model="gpt-4o", messages=messages, functions=functions)
    assert after.choices[0].message.content


@pytest.mark.parametrize("model", MODELS)
def test_streamed_calls_add_up_to_the_whole_ones(gpt: openai.OpenAI, model: str) -> None:
    fields: Any = {
        "model": model, "tools": BOTH, "extra_headers": {"x-asahi-cache": "off"},
        "messages": [{"role": "user", "content": "get_weather and get_time for Oslo"}],
    }  # fmt: skip
    whole = gpt.chat.completions.create(**fields).choices[0].message.tool_calls
    built: dict[int, dict[str, str]] = {}
    reasons = []
    for chunk in gpt.chat.completions.create(stream=True, **fields):
        for choice in chunk.choices:
            reasons.append(choice.finish_reason)
            for delta in choice.delta.tool_calls or ():
                call = built.setdefault(delta.index, {"name": "", "arguments": ""})
                assert delta.function is not None
                call["name"] += delta.function.name or ""
                call["arguments"] += delta.function.arguments or ""
    assert reasons[-1] == "tool_calls"
    assert [(call["name"], json.loads(call["arguments"])) for _, call in sorted(built.items())] == called(whole)


def test_the_stream_helper_tells_when_a_call_s_arguments_are_done(gpt: openai.OpenAI) -> None:
    fields: Any = {
        "model": MODELS[0], "tools": [openai.pydantic_function_tool(Weather), openai.pydantic_function_tool(City)],
        "messages": [{"role": "user", "content": "Weather and City please"}],
    }  # fmt: skip
    with gpt.chat.completions.stream(**fields) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion()
    assert [event.name for event in done] == ["Weather", "City"]
    assert isinstance(done[0].parsed_arguments, Weather)
    assert final.choices[0].message.tool_calls
    assert len(final.choices[0].message.tool_calls) == 2


def test_parsed_tools_give_the_caller_s_own_types(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.parse(
        model=MODELS[0],
        messages=[{"role": "user", "content": "The Weather in Oslo"}],
        tools=[openai.pydantic_function_tool(Weather)],
        tool_choice="required",
    )
    calls = answer.choices[0].message.tool_calls
    assert calls
    assert isinstance(calls[0].function.parsed_arguments, Weather)
