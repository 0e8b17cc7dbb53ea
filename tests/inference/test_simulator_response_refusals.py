"""What OpenAI refuses in a request for a response is refused, and nothing of it is entered."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

from tests.inference.simulator_process import KEY, RunningSimulator

MODEL = "gpt-6-luna"
QUESTION = "What is the capital of France?"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


def post(simulator: RunningSimulator, **body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.post(f"{simulator.url}/openai/v1/responses", headers=headers, json={"model": MODEL} | body)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"inputs": "x"}, "inputs"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "monologue"}]}, "input[0].type"),
        ({"input": [{"content": "x"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": "x", "mood": 1}]}, "input[0].mood"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "input[0].content[0].type"),
        ({"max_output_tokens": 15}, "max_output_tokens"),
        ({"max_tokens": 50}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"temperature": 3}, "temperature"),
        ({"include": ["everything"]}, "include[0]"),
        ({"tools": [{"type": "function", "function": {"name": "x"}}]}, "tools[0].name"),
        ({"tools": [{"type": "teleport"}]}, "tools[0].type"),
        ({"tools": [{"type": "custom", "name": "a", "parameters": {}}]}, "tools[0].parameters"),
        ({"tools": [WEATHER | {"parameters": {"type": "object", "properties": {}}}]}, "tools[0].parameters"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "other"}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "array"}}}}, "text.format.schema"),
        ({"text": {"format": {"type": "json_object"}}}, "input"),
        ({"stream_options": {"include_obfuscation": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": True}}, "stream_options.include_usage"),
        ({"previous_response_id": "resp_none"}, "previous_response_id"),
        ({"previous_response_id": "resp_1", "conversation": "conv_1"}, None),
        ({"background": True, "store": False}, "background"),
        ({"metadata": {"a": "x" * 513}}, None),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}]}, "input"),
    ],
)
def test_what_openai_refuses_is_refused(simulator: RunningSimulator, change: dict[str, Any], param: str | None) -> None:
    response = post(simulator, **{"input": QUESTION} | change)

    assert response.status_code == 400
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert param is None or error["param"] == param
    assert simulator.calls() == []


def test_an_unknown_model_is_404(simulator: RunningSimulator) -> None:
    assert post(simulator, model="gpt-none", input="x").status_code == 404


@pytest.mark.parametrize(
    ("change", "param"),
    [({"temperature": 0.2}, "temperature"), ({"reasoning": {"effort": "minimal"}}, "reasoning.effort")],
)
def test_the_model_s_own_rules_hold_when_asked_for(
    simulator: RunningSimulator, openai_client: openai.OpenAI, change: dict[str, Any], param: str
) -> None:
    simulator.control("POST", "/fidelity", {"fidelity": "model"})
    answer = openai_client.responses.create(model=MODEL, input="Use get_weather for Rome", tools=[WEATHER])

    assert post(simulator, input="x", **change).json()["error"]["param"] == param
    assert answer.usage.output_tokens_details.reasoning_tokens > 0
    assert answer.output[-1].type == "function_call"
