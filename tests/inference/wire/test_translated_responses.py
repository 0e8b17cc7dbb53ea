"""Responses through chat, and through chat and messages: nothing is lost or invented, or it is refused by name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from openai.types.responses import Response

from inference.domain import Model, Wire
from inference.wire import capabilities, translate
from inference.wire.format import format_of
from inference.wire.responses.fields import FIELDS
from inference.wire.sse import EventSplitter
from inference.wire.translate.refusal import Untranslatable
from inference.wire.translate.responses_answer import answer_to_responses
from inference.wire.translate.responses_request import responses_to_chat
from inference.wire.translate.stream_to_responses import StreamToResponses
from tests.inference.wire.answers import chat_answers, messages_answers
from tests.inference.wire.conversations import chat_requests

ACCEPTED = {capabilities.REASONING, capabilities.REASONING_OFF, capabilities.SAMPLING, capabilities.VISION}
PARTS = {"text": "input_text", "image_url": "input_image", "file": "input_file"}
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def as_responses(chat: dict[str, Any]) -> dict[str, Any]:
    """What a caller of the other API would have sent."""
    same = ("model", "stream", "temperature", "top_p", "user", "service_tier", "parallel_tool_calls")
    body = {name: chat[name] for name in same if name in chat}
    body["max_output_tokens"] = chat["max_completion_tokens"]
    messages = chat["messages"]
    if messages[0]["role"] == "system":
        body["instructions"], messages = messages[0]["content"], messages[1:]
    body["input"] = [item for message in messages for item in items_of(message)]
    if effort := chat.get("reasoning_effort"):
        body["reasoning"] = {"effort": effort, "summary": "auto"}
    if wanted := chat.get("response_format"):
        body["text"] = {"format": {"type": "json_schema", **wanted["json_schema"]}, "verbosity": "medium"}
    if tools := chat.get("tools"):
        body["tools"] = [{"type": "function", "parameters": None, **tool["function"]} for tool in tools]
        choice = chat["tool_choice"]
        body["tool_choice"] = choice if isinstance(choice, str) else {"type": "function", **choice["function"]}
    return body


def items_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    if message["role"] == "tool":
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}]
    said = (
        [{"role": message["role"], "content": parts_of(message["content"])}] if message["content"] is not None else []
    )
    calls = [
        {"type": "function_call", "id": "fc_1", "status": "completed", "call_id": call["id"], **call["function"]}
        for call in message.get("tool_calls") or ()
    ]
    return [*said, {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}, *calls]


def parts_of(content: Any) -> Any:
    if isinstance(content, str):
        return content
    parts = []
    for part in content:
        inner = part[part["type"]]
        told = {"text": inner} if part["type"] == "text" else inner
        if part["type"] == "image_url":
            told = {"image_url": inner["url"], "detail": "auto"}
        parts.append({"type": PARTS[part["type"]], **told})
    return parts


@given(chat_requests())
def test_a_request_says_in_chat_what_it_said(chat: dict[str, Any]) -> None:
    chat.pop("stop", None)
    body = as_responses(chat)
    assert format_of(Wire.RESPONSES).check(body) is None
    assert responses_to_chat(body, accepted=ACCEPTED) == chat


def stream_of(answer: dict[str, Any]) -> bytes:
    return b"".join(format_of(Wire.CHAT).replay(msgspec.json.encode(answer), include_usage=True))


def nameless(body: bytes | None) -> Any:
    """Without what is made anew each time."""
    assert body is not None
    response = msgspec.json.decode(body)
    return {**response, "id": "", "output": [{**item, "id": ""} for item in response["output"]]}


REQUEST = {"model": "m", "input": "Why?", "tools": [{"type": "custom", "name": "run"}]}


@given(chat_answers())
def test_a_translated_stream_adds_up_to_the_translated_answer(answer: dict[str, Any]) -> None:
    answer = speakable(answer)
    whole = answer_to_responses(msgspec.json.encode(answer), REQUEST, created=1)
    assert isinstance(whole, bytes)
    translator, reader = StreamToResponses(REQUEST, created=1), format_of(Wire.RESPONSES).read_stream()
    for event in EventSplitter().feed(stream_of(answer)):
        for said in translator.feed(event):
            reader.feed(said)
    assert translator.broken is None
    assert nameless(reader.assemble()) == nameless(whole)
    assert reader.usage == format_of(Wire.RESPONSES).usage_of_body(whole)


@given(chat_answers())
def test_a_translated_answer_is_what_the_client_expects_and_uses_the_same(answer: dict[str, Any]) -> None:
    answer = speakable(answer)
    raw = msgspec.json.encode(answer)
    whole = answer_to_responses(raw, REQUEST, created=1)
    assert isinstance(whole, bytes)
    response = Response.model_validate_json(whole)
    assert response.output_text == (answer["choices"][0]["message"].get("content") or "")
    assert format_of(Wire.RESPONSES).usage_of_body(whole) == format_of(Wire.CHAT).usage_of_body(raw)


def speakable(answer: dict[str, Any]) -> dict[str, Any]:
    """One choice that calls functions only: what the providers reached through a translation answer with."""
    choice = answer["choices"][0]
    message = {name: value for name, value in choice["message"].items() if name != "tool_calls"}
    calls = [call for call in choice["message"].get("tool_calls") or () if call["type"] == "function"]
    if calls:
        message["tool_calls"] = calls
    return {**answer, "choices": [{**choice, "message": message, "logprobs": None}]}


def claude() -> Model:
    return Model(
        id="claude", provider="anthropic", upstream_id="claude", wire=Wire.MESSAGES, context_tokens=200_000,
        max_output_tokens=64_000, latency_ms=1000, capabilities=frozenset(ACCEPTED), quality={"default": 0.9},
    )  # fmt: skip


@given(chat_requests())
def test_a_request_reaches_a_model_of_the_third_wire_as_chat_would(chat: dict[str, Any]) -> None:
    chat.pop("stop", None)
    through_both = translate.Way(Wire.RESPONSES, Wire.MESSAGES).ask(as_responses(chat), claude())
    from_chat = translate.Way(Wire.CHAT, Wire.MESSAGES).ask(chat, claude())
    if isinstance(from_chat, Untranslatable):
        assert isinstance(through_both, Untranslatable)
    else:
        assert through_both == from_chat


@given(messages_answers())
def test_an_answer_of_the_third_wire_comes_back_whole_as_it_comes_streamed(answer: dict[str, Any]) -> None:
    way = translate.Way(Wire.RESPONSES, Wire.MESSAGES)
    assert not isinstance(way.ask(REQUEST, claude()), Untranslatable)
    raw = msgspec.json.encode(answer)
    whole = way.answer(raw)
    assert isinstance(whole, bytes)
    translator, reader = way.events(), format_of(Wire.RESPONSES).read_stream()
    for event in [PING, *format_of(Wire.MESSAGES).replay(raw, include_usage=True)]:
        for said in translator.feed(event):
            reader.feed(said)
    assert translator.broken is None
    streamed = nameless(reader.assemble())
    assert streamed["usage"] == nameless(whole)["usage"]
    assert text_of(streamed) == text_of(nameless(whole))
    assert calls_of(streamed) == calls_of(nameless(whole))
    assert streamed["status"] == nameless(whole)["status"]


def text_of(response: dict[str, Any]) -> str:
    parts = [part for item in response["output"] if item["type"] == "message" for part in item["content"]]
    return "".join(part.get("text", "") for part in parts)


def calls_of(response: dict[str, Any]) -> list[Any]:
    return [
        (item["name"], msgspec.json.decode(item["arguments"])) for item in response["output"] if "arguments" in item
    ]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "lark",
                                                               "definition": "x"}}]}, "tools[0].format.type"),
        ({"tools": [{"type": "function", "name": "f", "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tool_choice": {"type": "mcp", "server_label": "a"}, "tools": [{"type": "custom", "name": "f"}]},
         "tool_choice"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"truncation": "auto"}, "truncation"),
        ({"moderation": {"model": "m"}}, "moderation"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"input": [{"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}}]}, "input[0].type"),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}]},
         "input[0].content[0].file_url"),
        ({"unknown_field": 1}, "unknown_field"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_in_chat_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    said = responses_to_chat({"model": "m", "input": "Why?", **fields}, accepted=ACCEPTED)
    assert isinstance(said, Untranslatable), said
    assert said.param == param
    assert param in said.message


def test_what_the_third_wire_cannot_say_is_named_as_its_caller_named_it() -> None:
    body = {"model": "m", "input": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    said = translate.Way(Wire.RESPONSES, Wire.MESSAGES).ask(body, claude())
    assert isinstance(said, Untranslatable)
    assert said.param == "input"
    assert "'input'" in said.message
    format_ = {"text": {"format": {"type": "json_object"}}}
    refused = translate.Way(Wire.RESPONSES, Wire.MESSAGES).ask({"model": "m", "input": "a", **format_}, claude())
    assert isinstance(refused, Untranslatable)
    assert refused.param == "text.format"


def test_allowed_tools_are_the_only_ones_sent() -> None:
    tools = [{"type": "function", "name": name, "parameters": {"type": "object"}} for name in ("a", "b")]
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}]}
    said = responses_to_chat({"model": "m", "input": "x", "tools": tools, "tool_choice": choice}, accepted=ACCEPTED)
    assert not isinstance(said, Untranslatable)
    assert [tool["function"]["name"] for tool in said["tools"]] == ["b"]
    assert said["tool_choice"] == "required"


def test_a_custom_tool_is_a_function_of_one_text_on_its_way_and_back() -> None:
    earlier = [
        {"role": "user", "content": "run"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "run", "input": "print(1)"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "1"},
    ]
    said = responses_to_chat({**REQUEST, "input": earlier}, accepted=ACCEPTED)
    assert not isinstance(said, Untranslatable)
    assert said["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"input":"print(1)"}'
    call = {"id": "d", "type": "function", "function": {"name": "run", "arguments": '{"input": "print(2)"}'}}
    choice = {"index": 0, "message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}
    whole = answer_to_responses(msgspec.json.encode({"choices": [choice]}), REQUEST, created=1)
    assert isinstance(whole, bytes)
    [item] = msgspec.json.decode(whole)["output"]
    assert (item["type"], item["input"]) == ("custom_tool_call", "print(2)")


def test_every_field_that_the_table_says_is_refused_there_is() -> None:
    for name, rule in FIELDS[""].items():
        if rule.there.name == "REFUSED" and rule.here.name == "FORWARDS":
            said = responses_to_chat({"model": "m", "input": "Why?", name: "x"}, accepted=ACCEPTED)
            assert isinstance(said, Untranslatable)
            assert said.param == name


def test_an_error_in_the_middle_of_a_chat_stream_is_one_of_the_responses_stream() -> None:
    translator, reader = StreamToResponses(REQUEST, created=1), format_of(Wire.RESPONSES).read_stream()
    for said in translator.feed(b'data: {"error": {"message": "overloaded"}}\n\n'):
        reader.feed(said)
    assert reader.error is not None
    assert b"overloaded" in reader.error
