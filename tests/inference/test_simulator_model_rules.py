"""With `--fidelity model`, what the named model does not support is refused as the provider would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.inference.simulator_process import KEY, RunningSimulator, start_simulator

USER = {"role": "user", "content": "Hello"}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
CLAUDE_TOOLS = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
LONG = "The quick brown fox jumps over the lazy dog near the river bank. " * 150


@pytest.fixture(scope="module")
def exacting() -> Iterator[RunningSimulator]:
    with start_simulator("--fidelity", "model") as running:
        yield running


def chat(simulator: RunningSimulator, model: str, **more: Any) -> httpx.Response:
    url = f"{simulator.url}/openai/v1/chat/completions"
    body = {"model": model, "messages": [USER]} | more
    return httpx.post(url, headers={"authorization": f"Bearer {KEY}"}, json=body)


def send(simulator: RunningSimulator, model: str, **more: Any) -> httpx.Response:
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    body = {"model": model, "max_tokens": 2000, "messages": [USER]} | more
    return httpx.post(f"{simulator.url}/anthropic/v1/messages", headers=headers, json=body)


@pytest.mark.parametrize(
    ("model", "more", "param"),
    [
        ("gpt-6-luna", {"max_tokens": 5}, "max_tokens"),
        ("o3", {"max_tokens": 5}, "max_tokens"),
        ("gpt-5-mini", {"temperature": 0}, "temperature"),
        ("gpt-6-luna", {"temperature": 0}, "temperature"),
        ("gpt-5.4-mini", {"temperature": 0, "reasoning_effort": "low"}, "temperature"),
        ("gpt-6-luna", {"tools": TOOLS}, "reasoning_effort"),
        ("gpt-5.4-mini", {"tools": TOOLS, "reasoning_effort": "low"}, "reasoning_effort"),
        ("gpt-6.1-sol", {"reasoning_effort": "none"}, "reasoning_effort"),
        ("gpt-6-luna", {"reasoning_effort": "minimal"}, "reasoning_effort"),
        ("gpt-4o", {"reasoning_effort": "low"}, "reasoning_effort"),
    ],
)
def test_openai_s_models_refuse(exacting: RunningSimulator, model: str, more: dict[str, Any], param: str) -> None:
    response = chat(exacting, model, **more)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("gpt-6-luna", {"max_completion_tokens": 5}),
        ("gpt-6-luna", {"temperature": 1}),
        ("gpt-6-luna", {"tools": TOOLS, "reasoning_effort": "none", "temperature": 0}),
        ("gpt-5.4-mini", {"tools": TOOLS, "temperature": 0}),
        ("gpt-5-mini", {"tools": TOOLS, "reasoning_effort": "minimal"}),
        ("gpt-4o", {"max_tokens": 5, "temperature": 0, "tools": TOOLS}),
    ],
)
def test_openai_s_models_take(exacting: RunningSimulator, model: str, more: dict[str, Any]) -> None:
    assert chat(exacting, model, **more).status_code == 200


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("claude-haiku-5-5", {"temperature": 0}),
        ("claude-haiku-5-5", {"top_k": 5}),
        ("claude-opus-5-5", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("claude-opus-5-5", {"thinking": {"type": "disabled"}}),
        ("claude-sonnet-5-5", {"tools": CLAUDE_TOOLS, "tool_choice": {"type": "any"}}),
        ("claude-sonnet-4-6", {"messages": [USER, {"role": "assistant", "content": "So"}]}),
        ("claude-haiku-4-5", {"temperature": 0.5, "top_p": 0.5}),
        ("claude-haiku-4-5", {"messages": [USER, {"role": "system", "content": "x"}, USER]}),
    ],
)
def test_claude_models_refuse(exacting: RunningSimulator, model: str, more: dict[str, Any]) -> None:
    response = send(exacting, model, **more)

    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("claude-haiku-5-5", {"temperature": 1}),
        ("claude-haiku-4-5", {"temperature": 0, "thinking": {"type": "disabled"}}),
        ("claude-haiku-4-5", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("claude-haiku-4-5", {"messages": [USER, {"role": "assistant", "content": "So"}]}),
        ("claude-haiku-5-5", {"tools": CLAUDE_TOOLS, "tool_choice": {"type": "any"}}),
    ],
)
def test_claude_models_take(exacting: RunningSimulator, model: str, more: dict[str, Any]) -> None:
    assert send(exacting, model, **more).status_code == 200


def test_a_reasoning_model_reasons_without_being_asked(exacting: RunningSimulator) -> None:
    def reasoning(model: str) -> int:
        usage = chat(exacting, model).json()["usage"]
        return int(usage["completion_tokens_details"]["reasoning_tokens"])

    assert reasoning("gpt-6-luna") > 0
    assert reasoning("gpt-5.4-mini") == 0


def test_the_newest_models_cache_at_breakpoints_and_bill_the_write(exacting: RunningSimulator) -> None:
    part = {"type": "text", "text": LONG, "prompt_cache_breakpoint": {"mode": "explicit"}}

    def details(question: str, content: Any) -> dict[str, int]:
        messages = [{"role": "system", "content": content}, {"role": "user", "content": question}]
        usage = chat(exacting, "gpt-6-luna", messages=messages).json()["usage"]
        return dict(usage["prompt_tokens_details"])

    written = details("One?", [part])
    read = details("Two, please?", [part])
    assert written["cached_tokens"] == 0
    assert written["cache_write_tokens"] > 1024
    assert read["cached_tokens"] > 1024
    assert 0 < read["cache_write_tokens"] < 30
    details("One?", LONG[::-1])
    assert details("Two, please?", LONG[::-1])["cached_tokens"] == 0, "only the end of the prompt was kept"


def test_the_rules_can_be_switched_while_running(simulator: RunningSimulator) -> None:
    assert chat(simulator, "gpt-6-luna", max_tokens=5).status_code == 200
    simulator.control("POST", "/fidelity", {"fidelity": "model"})
    assert chat(simulator, "gpt-6-luna", max_tokens=5).status_code == 400
    simulator.control("POST", "/reset")
    assert chat(simulator, "gpt-6-luna", max_tokens=5).status_code == 200
