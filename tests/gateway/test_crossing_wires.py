"""A model that is named is reached from either API, whatever it speaks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.conftest import Served, Tenant, events_of

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize("stream", [False, True])
def test_a_claude_model_answers_a_chat_request(gateway: Served, tenant: Tenant, stream: bool) -> None:
    answer = gateway.chat(tenant, f"hello from chat {stream}", model="claude-haiku-5-5", stream=stream)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-asahi-model"] == "claude-haiku-5-5"
    if stream:
        text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events_of(answer.text))
        assert answer.text.rstrip().endswith("[DONE]")
    else:
        text = answer.json()["choices"][0]["message"]["content"]
    assert text
    entry = tenant.ledger(1)[0]
    assert entry.cost_nano > 0
    assert not entry.usage_estimated


@pytest.mark.parametrize("stream", [False, True])
def test_an_openai_model_answers_a_message_request(gateway: Served, tenant: Tenant, stream: bool) -> None:
    body = {
        "model": "gpt-6-luna", "max_tokens": 40, "stream": stream,
        "messages": [{"role": "user", "content": f"hello from messages {stream}"}],
    }  # fmt: skip
    answer = gateway.http.post("/v1/messages", json=body, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    if stream:
        kinds = [event["type"] for event in events_of(answer.text)]
        assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    else:
        assert answer.json()["content"][0]["text"]
        assert answer.json()["stop_reason"] in {"end_turn", "max_tokens"}
    assert not tenant.ledger(1)[0].usage_estimated


def test_tools_cross_the_border_both_ways(gateway: Served, tenant: Tenant) -> None:
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}
    asked = gateway.chat(
        tenant, "Use get_weather", model="claude-sonnet-5-5", tools=[tool], tool_choice="required"
    ).json()["choices"][0]["message"]["tool_calls"][0]
    assert asked["function"]["name"] == "get_weather"
    body = {
        "model": "gpt-6-luna", "max_tokens": 200, "tool_choice": {"type": "any"},
        "messages": [{"role": "user", "content": "Use get_weather"}],
        "tools": [{"name": "get_weather", "input_schema": WEATHER}],
    }  # fmt: skip
    answer = gateway.http.post("/v1/messages", json=body, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    used: dict[str, Any] = answer.json()["content"][0]
    assert (used["type"], used["name"]) == ("tool_use", "get_weather")


def test_what_cannot_be_said_to_the_other_model_is_refused_by_name(gateway: Served, tenant: Tenant) -> None:
    answer = gateway.chat(tenant, "hello", model="claude-haiku-5-5", logprobs=True)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "logprobs"
    assert tenant.ledger(1)[0].cost_nano == 0


def test_an_automatic_choice_crosses_where_all_can_be_said(gateway: Served, tenant: Tenant) -> None:
    headers = {**tenant.headers, "x-asahi-candidates": "gpt-6-luna"}
    body = {"model": "asahi", "max_tokens": 20, "messages": [{"role": "user", "content": "Who painted it?"}]}
    answer = gateway.http.post("/v1/messages", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-asahi-model"] == "gpt-6-luna"
    assert answer.json()["type"] == "message"
    refused = gateway.http.post("/v1/messages", json={**body, "top_k": 5}, headers=headers)
    assert refused.status_code == 503
    assert "reachable" in refused.json()["error"]["message"]
