"""The official `anthropic` client with tools."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import anthropic
import pytest
from anthropic import beta_tool
from anthropic.types import Message, ToolUseBlock

from tests.conformance.examples import PNG, client_tool

MODELS = ("claude-sonnet-5-5", "gpt-5.4-mini", "command-a")
BOTH: Any = [client_tool("get_weather"), client_tool("get_time")]


def ask(claude: anthropic.Anthropic, content: Any, **fields: Any) -> Message:
    messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
    fields = {"model": MODELS[0], "max_tokens": 400, "tools": BOTH, **fields}
    return claude.messages.create(messages=messages, **fields)


def used(message: Message) -> list[ToolUseBlock]:
    return [block for block in message.content if isinstance(block, ToolUseBlock)]


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_is_called_answered_and_talked_about(claude: anthropic.Anthropic, model: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "Use get_weather for Lisbon"}]
    asked = ask(claude, messages, model=model)
    assert asked.stop_reason == "tool_use"
    [call] = used(asked)
    assert (call.name, type(call.input["city"])) == ("get_weather", str)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "21 degrees"}]}
    messages += [{"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
    after = ask(claude, messages, model=model)
    assert (after.stop_reason, after.content[0].type) == ("end_turn", "text")


@pytest.mark.parametrize("model", MODELS)
def test_two_tools_are_called_in_parallel_and_both_answered(claude: anthropic.Anthropic, model: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "get_weather and get_time for Oslo"}]
    asked = ask(claude, messages, model=model)
    assert [call.name for call in used(asked)] == ["get_weather", "get_time"]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": "no answer", "is_error": True}
        for call in used(asked)
    ]
    messages += [{"role": "assistant", "content": asked.content}, {"role": "user", "content": results}]
    assert ask(claude, messages, model=model).stop_reason == "end_turn"


@pytest.mark.parametrize("model", MODELS[:2])
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "any"}, ["get_weather"]),
        ({"type": "none"}, []),
        ({"type": "auto"}, []),
        ({"type": "tool", "name": "get_time"}, ["get_time"]),
    ],
    ids=["any", "none", "auto", "named"],
)
def test_the_caller_s_choice_of_tools_holds(
    claude: anthropic.Anthropic, model: str, choice: Any, expected: list[str]
) -> None:
    message = ask(claude, "Hello there", model=model, tool_choice=choice)
    assert [call.name for call in used(message)] == expected


@pytest.mark.parametrize("model", MODELS[:2])
def test_parallel_calls_can_be_forbidden(claude: anthropic.Anthropic, model: str) -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert len(used(ask(claude, "get_weather and get_time", model=model, tool_choice=choice))) == 1


def test_a_tool_may_answer_with_a_picture(claude: anthropic.Anthropic) -> None:
    messages: list[Any] = [{"role": "user", "content": "get_weather for Rome"}]
    asked = ask(claude, messages)
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    result = {"type": "tool_result", "tool_use_id": used(asked)[0].id, "content": [picture]}
    messages += [{"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
    assert ask(claude, messages).stop_reason == "end_turn"


@pytest.fixture
def cities() -> list[str]:
    """What the tool was asked about."""
    return []


@pytest.fixture
def runner(claude: anthropic.Anthropic, cities: list[str]) -> Callable[..., Any]:
    """The client's own loop: it calls the tool and goes on until the answer is there."""

    @beta_tool
    def get_weather(city: str) -> str:
        """The weather of a city."""
        cities.append(city)
        return "21 degrees"

    messages: Any = [{"role": "user", "content": "Use get_weather for Lisbon"}]
    return partial(
        claude.beta.messages.tool_runner, model=MODELS[0], max_tokens=400, tools=[get_weather], messages=messages
    )


@pytest.mark.parametrize("stream", [False, True])
def test_the_client_s_own_tool_runner_goes_through_to_the_end(
    runner: Callable[..., Any], cities: list[str], stream: bool
) -> None:
    assert runner(thread=False, stream=stream).until_done().stop_reason == "end_turn"
    assert len(cities) == 1


def test_a_conversation_kept_at_the_provider_is_refused_by_name(runner: Callable[..., Any]) -> None:
    with pytest.raises(anthropic.BadRequestError, match="thread"):
        runner().until_done()
