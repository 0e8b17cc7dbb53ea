"""What OpenAI would refuse is refused, in OpenAI's own shape."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.inference.simulator_process import KEY, RunningSimulator

USER = {"role": "user", "content": "Hello"}
GOOD: dict[str, Any] = {"model": "gpt-6-luna", "messages": [USER]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
}


def post(simulator: RunningSimulator, body: Any, *, provider: str = "openai") -> httpx.Response:
    headers = {"authorization": f"Bearer {KEY}"}
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    return httpx.post(f"{simulator.url}/{provider}/v1/chat/completions", headers=headers, **content)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


REFUSED: list[tuple[str, dict[str, Any], str | None, str | None]] = [
    ("model is missing", without("model"), None, None),
    ("messages are missing", without("messages"), "messages", "missing_required_parameter"),
    ("messages are empty", GOOD | {"messages": []}, "messages", "invalid_array_length"),
    ("messages are a text", GOOD | {"messages": "Hello"}, "messages", "invalid_type"),
    (
        "the role is unknown",
        GOOD | {"messages": [{"role": "robot", "content": "x"}]},
        "messages[0].role",
        "invalid_value",
    ),
    (
        "the content is a number",
        GOOD | {"messages": [{"role": "user", "content": 3}]},
        "messages[0].content",
        "invalid_type",
    ),
    (
        "the content is missing",
        GOOD | {"messages": [{"role": "user"}]},
        "messages[0].content",
        "missing_required_parameter",
    ),
    (
        "a part has an unknown type",
        GOOD | {"messages": [{"role": "user", "content": [{"type": "video", "video": {}}]}]},
        "messages[0].content[0].type",
        "invalid_value",
    ),
    (
        "a system message has a picture",
        GOOD | {"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        "messages[0].content[0].type",
        "invalid_value",
    ),
    (
        "a part has a field of another provider",
        GOOD | {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "citations": {}}]}]},
        "messages[0].content[0].citations",
        "unknown_parameter",
    ),
    ("a parameter is unknown", GOOD | {"top_k": 5}, "top_k", "unknown_parameter"),
    ("n is zero", GOOD | {"n": 0}, "n", "invalid_value"),
    ("n is a text", GOOD | {"n": "2"}, "n", "invalid_type"),
    ("the temperature is too high", GOOD | {"temperature": 2.5}, "temperature", "invalid_value"),
    ("max_tokens is zero", GOOD | {"max_tokens": 0}, "max_tokens", "invalid_value"),
    ("both limits are set", GOOD | {"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens", "invalid_parameter"),
    ("there are five stops", GOOD | {"stop": list("abcde")}, "stop", None),
    (
        "stream options come without a stream",
        GOOD | {"stream_options": {"include_usage": True}},
        "stream_options",
        None,
    ),
    ("top_logprobs come without logprobs", GOOD | {"top_logprobs": 2}, "top_logprobs", "invalid_value"),
    ("a tool choice comes without tools", GOOD | {"tool_choice": "auto"}, "tool_choice", None),
    ("parallel calls come without tools", GOOD | {"parallel_tool_calls": True}, "parallel_tool_calls", None),
    (
        "the chosen tool is not there",
        GOOD | {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}},
        "tool_choice",
        None,
    ),
    (
        "a tool's name has a space",
        GOOD | {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        "tools[0].function.name",
        "invalid_value",
    ),
    (
        "a tool's schema is no object",
        GOOD | {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "array"}}}]},
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
    (
        "a tool message has no tool_call_id",
        GOOD | {"messages": [USER, CALL, {"role": "tool", "content": "x"}]},
        "messages[2].tool_call_id",
        "missing_required_parameter",
    ),
    (
        "a tool message answers no call",
        GOOD | {"messages": [USER, {"role": "tool", "tool_call_id": "call_1", "content": "x"}]},
        "messages.[1].role",
        None,
    ),
    (
        "a tool message answers another call",
        GOOD | {"messages": [USER, CALL, {"role": "tool", "tool_call_id": "call_2", "content": "x"}]},
        "messages[2].tool_call_id",
        None,
    ),
    ("a call is not answered", GOOD | {"messages": [USER, CALL, USER]}, "messages", None),
    (
        "tool_calls are null",
        GOOD | {"messages": [USER, {"role": "assistant", "content": "x", "tool_calls": None}]},
        "messages[1].tool_calls",
        "invalid_type",
    ),
    (
        "an assistant says nothing",
        GOOD | {"messages": [USER, {"role": "assistant", "content": None}]},
        "messages[1].content",
        None,
    ),
    ("json mode is not mentioned", GOOD | {"response_format": {"type": "json_object"}}, "messages", None),
    (
        "a strict schema allows other properties",
        GOOD
        | {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "strict": True, "schema": {"type": "object", "properties": {}}},
            }
        },
        "response_format",
        "invalid_json_schema",
    ),
    (
        "a schema has no name",
        GOOD | {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}},
        "response_format.json_schema.name",
        "missing_required_parameter",
    ),
]


@pytest.mark.parametrize(("body", "param", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_it_is_refused_when(
    simulator: RunningSimulator, body: dict[str, Any], param: str | None, code: str | None
) -> None:
    response = post(simulator, body)

    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert error["param"] == param
    assert code is None or error["code"] == code


def test_the_good_request_itself_is_served(simulator: RunningSimulator) -> None:
    assert post(simulator, GOOD).status_code == 200
    assert post(
        simulator, GOOD | {"messages": [USER, CALL, {"role": "tool", "tool_call_id": "call_1", "content": "x"}]}
    ).is_success


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'{"model": "gpt-6-luna", "messages": [{]}', b"\xff\xfe"])
def test_what_is_no_json_object_is_refused(simulator: RunningSimulator, body: bytes) -> None:
    response = post(simulator, body)

    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_without_a_key_it_is_401(simulator: RunningSimulator) -> None:
    url = f"{simulator.url}/openai/v1/chat/completions"
    for headers in ({}, {"authorization": "Bearer"}, {"authorization": "Basic abc"}, {"x-api-key": KEY}):
        response = httpx.post(url, headers=headers, json=GOOD)
        assert response.status_code == 401
        assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("model", ["gpt-99", "claude-haiku-5-5", "text-embedding-3-small", "gpt-4", ""])
def test_a_model_that_does_not_chat_here_is_404(simulator: RunningSimulator, model: str) -> None:
    response = post(simulator, GOOD | {"model": model})

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"


def test_a_dated_name_of_a_known_model_is_served(simulator: RunningSimulator) -> None:
    assert post(simulator, GOOD | {"model": "gpt-5.4-mini-2026-03-17"}).status_code == 200


def test_a_compatible_provider_ignores_parameters_it_does_not_know(simulator: RunningSimulator) -> None:
    assert post(simulator, GOOD | {"top_k": 5}, provider="compat/our-vllm").status_code == 200


def test_an_unknown_path_is_404_in_the_same_shape(simulator: RunningSimulator) -> None:
    response = httpx.post(f"{simulator.url}/openai/v1/complete", headers={"authorization": f"Bearer {KEY}"}, json={})

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_url"


def test_refused_requests_are_counted_and_not_billed(simulator: RunningSimulator) -> None:
    post(simulator, GOOD | {"n": 0})
    post(simulator, GOOD | {"model": "gpt-99"})

    assert simulator.calls() == []
    assert simulator.stats()["refused"] == 2


def test_a_prompt_longer_than_the_model_reads_is_refused(simulator: RunningSimulator) -> None:
    long = "word " * 130_000
    response = post(simulator, {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": long}]})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "context_length_exceeded"


def test_a_mark_for_caching_of_anthropics_is_passed_over_in_content(simulator: RunningSimulator) -> None:
    part = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    assert post(simulator, GOOD | {"messages": [{"role": "user", "content": [part]}]}).status_code == 200
