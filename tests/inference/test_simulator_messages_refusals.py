"""What Anthropic would refuse is refused, in Anthropic's own shape."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx
import pytest

from tests.inference.simulator_process import KEY, RunningSimulator

HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
USER = {"role": "user", "content": "Hello"}
GOOD: dict[str, Any] = {"model": "claude-haiku-5-5", "max_tokens": 100, "messages": [USER]}
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]}
MARK = {"cache_control": {"type": "ephemeral"}}
LASTING = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def post(simulator: RunningSimulator, body: Any, headers: dict[str, str] = HEADERS) -> httpx.Response:
    return httpx.post(f"{simulator.url}/anthropic/v1/messages", headers=headers, json=body)


def result(tool_use_id: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": tool_use_id, "content": "x"}]}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


def text(words: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("max_tokens is missing", without("max_tokens"), "max_tokens: Field required"),
    ("the model is missing", without("model"), "model: Field required"),
    ("messages are missing", without("messages"), "messages: Field required"),
    ("messages are empty", GOOD | {"messages": []}, "messages: "),
    ("max_tokens is a text", GOOD | {"max_tokens": "10"}, "max_tokens: "),
    ("max_tokens is beyond the model", GOOD | {"max_tokens": 200_000}, "max_tokens: 200000 > 128000"),
    ("the role is unknown", GOOD | {"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: "),
    ("the content is a number", GOOD | {"messages": [{"role": "user", "content": 3}]}, "messages.0.content: "),
    (
        "a block has an unknown type",
        GOOD | {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "messages.0.content.0.type: ",
    ),
    (
        "a field is OpenAI's",
        GOOD | {"frequency_penalty": 1},
        "frequency_penalty: Extra inputs are not permitted",
    ),
    (
        "a block has an unknown field",
        GOOD | {"messages": [{"role": "user", "content": [text(detail="high")]}]},
        "messages.0.content.0.detail: Extra inputs are not permitted",
    ),
    (
        "the first turn is an assistant's",
        GOOD | {"messages": [{"role": "assistant", "content": "x"}]},
        "messages: first",
    ),
    ("a turn is empty", GOOD | {"messages": [{"role": "user", "content": ""}]}, "messages.0: "),
    ("a text is blank", GOOD | {"messages": [{"role": "user", "content": [text(" ")]}]}, "messages: text content"),
    ("the temperature is above one", GOOD | {"temperature": 1.5}, "temperature: "),
    ("a tool has no schema", GOOD | {"tools": [{"name": "a"}]}, "tools.0.custom.input_schema: Field required"),
    (
        "a tool is OpenAI's",
        GOOD | {"tools": [{"type": "function", "function": {"name": "a"}}]},
        "tools.0.custom.",
    ),
    (
        "a tool's schema has no type",
        GOOD | {"tools": [{"name": "a", "input_schema": {"properties": {}}}]},
        "tools.0.custom.input_schema.type: ",
    ),
    ("two tools share a name", GOOD | {"tools": [TOOL, TOOL]}, "tools: Tool names must be unique"),
    ("a choice comes without tools", GOOD | {"tool_choice": {"type": "auto"}}, "tool_choice: "),
    (
        "the chosen tool is not there",
        GOOD | {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}},
        "tool_choice: Tool 'other' not found",
    ),
    (
        "a result answers nothing",
        GOOD | {"messages": [USER, USE, result("toolu_2")]},
        "messages.2.content.0: unexpected",
    ),
    ("a use is not answered", GOOD | {"messages": [USER, USE, USER]}, "messages: `tool_use` ids were found"),
    (
        "a user uses a tool",
        GOOD | {"messages": [{"role": "user", "content": USE["content"]}]},
        "messages.0.content.0: ",
    ),
    (
        "a result has no id",
        GOOD | {"messages": [USER, USE, {"role": "user", "content": [{"type": "tool_result", "content": "x"}]}]},
        "messages.2.content.0.tool_use_id: Field required",
    ),
    (
        "the thinking budget is too small",
        GOOD | {"thinking": {"type": "enabled", "budget_tokens": 10}},
        "thinking.budget_tokens: ",
    ),
    (
        "the thinking budget leaves no room",
        GOOD | {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "`max_tokens` must be greater",
    ),
    (
        "five blocks are marked",
        GOOD | {"messages": [{"role": "user", "content": [text(str(n), **MARK) for n in range(5)]}]},
        "A maximum of 4 blocks",
    ),
    (
        "a longer mark follows a shorter one",
        GOOD | {"messages": [{"role": "user", "content": [text("a", **MARK), text("b", **LASTING)]}]},
        "cache_control: ",
    ),
    ("a mark has an unknown time", GOOD | {"cache_control": {"type": "ephemeral", "ttl": "2h"}}, "cache_control.ttl: "),
    (
        "an own tool has a broken mark",
        GOOD | {"tools": [{"type": "bash_20250124", "name": "bash", "cache_control": "always"}]},
        "tools.0.cache_control",
    ),
    ("a stop sequence is blank", GOOD | {"stop_sequences": [" "]}, "stop_sequences: "),
    (
        "the last assistant turn ends in a blank",
        GOOD | {"messages": [USER, {"role": "assistant", "content": "So "}]},
        "messages: final assistant content",
    ),
]


@pytest.mark.parametrize(("body", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_it_is_refused_when(simulator: RunningSimulator, body: dict[str, Any], message: str) -> None:
    response = post(simulator, body)

    assert response.status_code == 400
    answer = response.json()
    assert answer["type"] == "error"
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["message"].startswith(message)
    assert answer["request_id"] == response.headers["request-id"]


def test_the_good_request_itself_is_served(simulator: RunningSimulator) -> None:
    assert post(simulator, GOOD).is_success
    assert post(simulator, GOOD | {"messages": [USER, USE, result("toolu_1")], "tools": [TOOL]}).is_success


def test_a_key_and_a_version_are_required(simulator: RunningSimulator) -> None:
    without_key = post(simulator, GOOD, {"anthropic-version": "2023-06-01"})
    without_version = post(simulator, GOOD, {"x-api-key": KEY})

    assert (without_key.status_code, without_key.json()["error"]["type"]) == (401, "authentication_error")
    assert (without_version.status_code, without_version.json()["error"]["type"]) == (400, "invalid_request_error")


def test_the_sdk_raises_its_own_errors(anthropic_client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as missing:
        anthropic_client.messages.create(**GOOD | {"model": "gpt-6-luna"})
    with pytest.raises(anthropic.BadRequestError):
        anthropic_client.messages.create(**GOOD | {"messages": []})

    assert missing.value.type == "not_found_error"


@pytest.mark.parametrize("body", [b"{", b"", b"[]"])
def test_what_is_no_json_object_is_refused(simulator: RunningSimulator, body: bytes) -> None:
    response = httpx.post(f"{simulator.url}/anthropic/v1/messages", headers=HEADERS, content=body)

    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_count_is_refused_for_the_same_reasons(simulator: RunningSimulator) -> None:
    url = f"{simulator.url}/anthropic/v1/messages/count_tokens"
    response = httpx.post(url, headers=HEADERS, json=GOOD)

    assert response.status_code == 400
    assert response.json()["error"]["message"] == "max_tokens: Extra inputs are not permitted"
