"""An answer comes back in the wire of its caller, whole or streamed, and both say the same."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from inference.domain import Usage, Wire
from inference.wire.format import format_of
from inference.wire.translate import (
    StreamToChat,
    StreamToMessages,
    Untranslatable,
    answer_to_chat,
    answer_to_messages,
)
from tests.inference.wire.answers import (
    counts,
    function_calls,
    messages_answers,
    messages_usage,
    other_blocks,
    present,
    text_blocks,
    thinking_blocks,
    tool_blocks,
    words,
)
from tests.inference.wire.conversations import objects

chat, messages = format_of(Wire.CHAT), format_of(Wire.MESSAGES)
CREATED = 1_790_000_000


@st.composite
def translatable_messages(draw: st.DrawFn) -> dict[str, Any]:
    content = draw(st.lists(text_blocks | thinking_blocks | tool_blocks | other_blocks, max_size=4))
    service = draw(st.sampled_from([{}, {"service_tier": "priority"}, {"service_tier": "standard", "speed": "fast"}]))
    return {**draw(messages_answers()), "content": content, "usage": {**draw(messages_usage), **service}}


@st.composite
def translatable_chats(draw: st.DrawFn) -> dict[str, Any]:
    calls = [
        {**call, "function": {"name": "f", "arguments": draw(objects.map(lambda o: msgspec.json.encode(o).decode()))}}
        for call in draw(st.lists(function_calls, max_size=2, unique_by=lambda call: call["id"]))
    ]
    message = {"role": "assistant", "content": draw(st.none() | words), "refusal": draw(st.none() | words)}
    message |= draw(st.fixed_dictionaries({}, optional={"reasoning_content": words}))
    choice = {
        "index": 0,
        "message": {**message, **({"tool_calls": calls} if calls else {})},
        "logprobs": None,
        "finish_reason": draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"])),
    }
    prompt, cached, output, reasoning = (draw(counts) for _ in range(4))
    usage = {
        "prompt_tokens": prompt + cached,
        "completion_tokens": output + reasoning,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": CREATED, "model": "gpt-6-luna"}
    service = draw(st.sampled_from([{}, {"service_tier": "default"}, {"service_tier": "priority"}]))
    return {**head, "choices": [choice], "usage": usage, **service}


def translated(answer: bytes | Untranslatable) -> dict[str, Any]:
    assert isinstance(answer, bytes), answer
    return msgspec.json.decode(answer)


def unquoted(answer: dict[str, Any]) -> dict[str, Any]:
    """A chat answer with an empty text said as none: a stream cannot tell them apart."""
    for choice in answer["choices"]:
        choice["message"]["content"] = choice["message"].get("content") or None
    return present(answer)


@given(translatable_messages())
def test_a_translated_message_stream_adds_up_to_the_translated_message(answer: dict[str, Any]) -> None:
    raw = msgspec.json.encode(answer)
    stream, reader = StreamToChat(created=CREATED, include_usage=True), chat.read_stream()
    for event in messages.replay(raw, include_usage=True):
        for chunk in stream.feed(event):
            reader.feed(chunk)
    assert stream.broken is None
    streamed = reader.assemble()
    assert streamed is not None
    assert reader.usage == messages.usage_of_body(raw)
    assert unquoted(msgspec.json.decode(streamed)) == unquoted(translated(answer_to_chat(raw, created=CREATED)))


@given(translatable_chats())
def test_a_translated_chat_stream_adds_up_to_the_translated_completion(answer: dict[str, Any]) -> None:
    raw = msgspec.json.encode(answer)
    stream, reader = StreamToMessages(), messages.read_stream()
    for chunk in chat.replay(raw, include_usage=True):
        for event in stream.feed(chunk):
            reader.feed(event)
    assert stream.broken is None
    streamed = reader.assemble()
    assert streamed is not None
    assert reader.usage == chat.usage_of_body(raw)
    assert msgspec.json.decode(streamed) == translated(answer_to_messages(raw))


@given(translatable_messages())
def test_a_translated_message_is_what_the_openai_sdk_expects_and_uses_the_same(answer: dict[str, Any]) -> None:
    raw = msgspec.json.encode(answer)
    completion = answer_to_chat(raw, created=CREATED)
    assert isinstance(completion, bytes)
    ChatCompletion.model_validate_json(completion)
    assert chat.usage_of_body(completion) == messages.usage_of_body(raw)
    assert chat.answer_text(completion) == messages.answer_text(raw)


@given(translatable_chats())
def test_a_translated_completion_is_what_the_anthropic_sdk_expects_and_uses_the_same(answer: dict[str, Any]) -> None:
    raw = msgspec.json.encode(answer)
    message = answer_to_messages(raw)
    assert isinstance(message, bytes)
    Message.model_validate_json(message)
    assert messages.usage_of_body(message) == chat.usage_of_body(raw)


@pytest.mark.parametrize(
    ("stop_reason", "finish_reason"),
    [("end_turn", "stop"), ("tool_use", "tool_calls"), ("max_tokens", "length"), ("refusal", "content_filter")],
)
def test_the_reason_for_the_end_is_the_same_in_both_vocabularies(stop_reason: str, finish_reason: str) -> None:
    message = msgspec.json.encode({"content": [], "stop_reason": stop_reason})
    (choice,) = translated(answer_to_chat(message, created=CREATED))["choices"]
    assert choice["finish_reason"] == finish_reason
    assert translated(answer_to_messages(msgspec.json.encode({"choices": [choice]})))["stop_reason"] == stop_reason


def test_cached_tokens_are_counted_on_both_sides() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 60}}
    completion = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": usage}
    message = answer_to_messages(msgspec.json.encode(completion))
    assert isinstance(message, bytes)
    assert messages.usage_of_body(message) == Usage(input_tokens=100, output_tokens=7, cached_input_tokens=60)
    assert translated(message)["usage"]["input_tokens"] == 40


def test_a_call_without_arguments_is_still_valid_json_for_a_chat_client() -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}}
    stream, reader = StreamToChat(created=CREATED, include_usage=False), chat.read_stream()
    for event in messages.replay(
        msgspec.json.encode({"content": [block], "stop_reason": "tool_use"}), include_usage=True
    ):
        if b"partial_json" not in event:
            for chunk in stream.feed(event):
                reader.feed(chunk)
    body = reader.assemble()
    assert body is not None
    (call,) = msgspec.json.decode(body)["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "now", "arguments": "{}"}


def test_arguments_that_are_no_object_are_refused_by_name() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "[1"}}
    completion = {"choices": [{"message": {"content": None, "tool_calls": [call]}, "finish_reason": "length"}]}
    refusal = answer_to_messages(msgspec.json.encode(completion))
    assert isinstance(refusal, Untranslatable)
    assert refusal.param == "tool_calls[0].function.arguments"


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"oops", b'{"choices":[]}', b'{"choices":[{"message":{}},{"message":{}}]}']
)
def test_what_is_no_answer_of_one_choice_is_refused(raw: bytes) -> None:
    assert isinstance(answer_to_messages(raw), Untranslatable)


def test_a_block_that_chat_does_not_have_is_refused_and_breaks_a_stream() -> None:
    raw = msgspec.json.encode(
        {"content": [{"type": "web_search_tool_result", "content": []}], "stop_reason": "end_turn"}
    )
    assert isinstance(answer_to_chat(raw, created=CREATED), Untranslatable)
    stream = StreamToChat(created=CREATED, include_usage=False)
    for event in messages.replay(raw, include_usage=True):
        stream.feed(event)
    assert stream.broken == "content of type web_search_tool_result"


def test_a_second_choice_breaks_a_stream_of_messages() -> None:
    stream = StreamToMessages()
    stream.feed(b'data: {"choices":[{"index":1,"delta":{"content":"a"}}]}\n\n')
    assert stream.broken == "a second choice"


def test_the_usage_of_a_translated_stream_is_told_only_to_those_who_asked() -> None:
    raw = msgspec.json.encode(
        {"content": [], "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 2}}
    )
    for asked in (True, False):
        stream = StreamToChat(created=CREATED, include_usage=asked)
        chunks = [chunk for event in messages.replay(raw, include_usage=True) for chunk in stream.feed(event)]
        assert any(b'"prompt_tokens":1' in chunk for chunk in chunks) is asked
        assert chunks[-1] == b"data: [DONE]\n\n"


def test_calls_written_in_turns_are_kept_apart() -> None:
    def chunk(index: int, **call: Any) -> bytes:
        delta = {"tool_calls": [{"index": index, **call}]}
        return b"data: " + msgspec.json.encode({"choices": [{"index": 0, "delta": delta}]}) + b"\n\n"

    stream, reader = StreamToMessages(), messages.read_stream()
    for one in (
        chunk(0, id="a", function={"name": "f", "arguments": '{"x":'}),
        chunk(1, id="b", function={"name": "g", "arguments": "{"}),
        chunk(0, function={"arguments": "1}"}),
        chunk(1, function={"arguments": "}"}),
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n',
        b"data: [DONE]\n\n",
    ):
        for event in stream.feed(one):
            reader.feed(event)
    body = reader.assemble()
    assert body is not None
    assert [(block["name"], block["input"]) for block in msgspec.json.decode(body)["content"]] == [
        ("f", {"x": 1}),
        ("g", {}),
    ]


def test_errors_and_pings_cross_the_border() -> None:
    to_chat_stream, to_messages_stream = StreamToChat(created=CREATED, include_usage=False), StreamToMessages()
    overloaded = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Busy"}}\n\n'
    (chunk,) = to_chat_stream.feed(overloaded)
    reader = chat.read_stream()
    reader.feed(chunk)
    assert reader.error is not None
    (event,) = to_messages_stream.feed(chunk)
    other = messages.read_stream()
    other.feed(event)
    assert other.error is not None
    assert msgspec.json.decode(other.error)["message"] == "Busy"
    assert to_chat_stream.feed(b'event: ping\ndata: {"type":"ping"}\n\n') == [b": ping\n\n"]
