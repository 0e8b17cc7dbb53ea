"""Recorded tool calls: a prompt found among the recordings calls the function that was recorded for it."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.inference.simulator_process import RunningSimulator

MODEL = "gpt-6-luna"
PROMPT = "How cold is it in Oslo?"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": CITY}}


@pytest.fixture(autouse=True)
def _recorded(simulator: RunningSimulator) -> None:
    calls = [{"name": "get_weather", "arguments": {"city": "Oslo 奥斯陆"}}]
    answers = [{"model": "*", "prompt": PROMPT, "text": "Four degrees.", "calls": calls}]
    simulator.control("POST", "/recordings", {"answers": answers})


def ask(client: openai.OpenAI, *more: Any, **fields: Any) -> Any:
    messages: list[Any] = [{"role": "user", "content": PROMPT}, *more]
    return client.chat.completions.create(model=MODEL, messages=messages, **fields).choices[0]


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_recorded_call_is_made_when_its_function_is_offered(openai_client: openai.OpenAI, choice: Any) -> None:
    answer = ask(openai_client, tools=[tool("get_time"), tool("get_weather")], tool_choice=choice)
    assert answer.finish_reason == "tool_calls"
    [call] = answer.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Oslo 奥斯陆"})


@pytest.mark.parametrize(
    "fields", [{}, {"tools": [tool("get_time")]}, {"tools": [tool("get_weather")], "tool_choice": "none"}]
)
def test_the_recorded_text_is_said_when_its_function_may_not_be_called(
    openai_client: openai.OpenAI, fields: dict[str, Any]
) -> None:
    assert ask(openai_client, **fields).message.content == "Four degrees."


def test_the_recorded_text_is_said_after_the_function_has_answered(openai_client: openai.OpenAI) -> None:
    tools = [tool("get_weather")]
    called = ask(openai_client, tools=tools).message
    result = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "4"}
    assert ask(openai_client, called, result, tools=tools).message.content == "Four degrees."


def test_another_function_that_is_forced_is_called_as_if_nothing_were_recorded(openai_client: openai.OpenAI) -> None:
    answer = ask(openai_client, tools=[tool("get_time")], tool_choice="required")
    assert answer.message.tool_calls[0].function.name == "get_time"
