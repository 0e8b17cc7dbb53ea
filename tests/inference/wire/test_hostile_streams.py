"""A provider's stream that is not valid never crosses to the other wire as if it were: it ends in an error there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from pydantic import TypeAdapter

from inference.domain import Usage, Wire
from inference.wire.format import format_of
from inference.wire.sse import DONE, data_of
from inference.wire.translate import StreamToChat, StreamToMessages
from tests.inference.wire.answers import chat_answers, messages_answers
from tests.inference.wire.test_untrusted_providers import damaged

chat, messages = format_of(Wire.CHAT), format_of(Wire.MESSAGES)
a_chunk, an_event = TypeAdapter(ChatCompletionChunk), TypeAdapter(RawMessageStreamEvent)
STARTED = {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 3}}}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
ENDING = [
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]


def sent(value: Any) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def with_damage(events: list[bytes], data: st.DataObject) -> list[bytes]:
    at = data.draw(st.integers(0, len(events) - 1))
    if events[at] == DONE:
        return events
    return [*events[:at], sent(damaged(msgspec.json.decode(data_of(events[at])), data)), *events[at + 1 :]]


def check_all(events: list[bytes], feed: Callable[[bytes], list[bytes]], kind: TypeAdapter[Any]) -> list[bytes]:
    """Everything that is said is what the vendor's client expects, or an error."""
    said = [out for event in events for out in feed(event)]
    for event in said:
        body = data_of(event)
        if body and body != b"[DONE]" and "error" not in msgspec.json.decode(body):
            kind.validate_json(body, strict=True)
    return said


@given(messages_answers(), st.data())
def test_a_damaged_message_stream_says_nothing_that_is_not_valid_in_chat(
    answer: dict[str, Any], data: st.DataObject
) -> None:
    events = with_damage(list(messages.replay(msgspec.json.encode(answer), include_usage=True)), data)
    stream = StreamToChat(created=0, include_usage=True)
    said = check_all(events, stream.feed, a_chunk)
    assert (DONE in said) <= (stream.broken is None)


@given(chat_answers(), st.data())
def test_a_damaged_chat_stream_says_nothing_that_is_not_valid_in_messages(
    answer: dict[str, Any], data: st.DataObject
) -> None:
    events = with_damage(list(chat.replay(msgspec.json.encode(answer), include_usage=True)), data)
    stream = StreamToMessages()
    said = check_all(events, stream.feed, an_event)
    assert any(b'"message_stop"' in event for event in said) <= (stream.broken is None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 5}},
        {"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "a"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "a_delta_of_next_year"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": 4, "name": "f"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "server_tool_use"}},
        {"type": "content_block_stop", "index": 7},
        {"type": "message_delta", "delta": {"stop_reason": 5}},
        {"type": "an_event_of_next_year"},
        STARTED,
        [],
    ],
)
def test_a_wrong_message_event_ends_the_chat_stream_in_an_error_and_is_still_paid_for(wrong: Any) -> None:
    stream, reader = StreamToChat(created=0, include_usage=True), chat.read_stream()
    for event in (STARTED, TEXT, wrong, *ENDING):
        for chunk in stream.feed(sent(event)):
            reader.feed(chunk)
    assert stream.broken is not None
    assert (reader.finished, reader.error is None, reader.assemble()) == (False, False, None)
    assert reader.usage == Usage(input_tokens=3, output_tokens=2)


@pytest.mark.parametrize(
    "delta",
    [
        {"content": 5},
        {"content": ["a"]},
        {"refusal": True},
        {"tool_calls": [{"index": "0", "id": "a", "function": {"name": "f"}}]},
        {"tool_calls": [{"index": 0, "id": 5, "function": {"name": "f"}}]},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "[1]"}}]},
        {"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}]},
        {"tool_calls": 5},
        {"audio": {"id": "a"}},
        {"function_call": {"name": "f", "arguments": "{}"}},
        "hello",
    ],
)
def test_a_wrong_chat_chunk_ends_the_message_stream_in_an_error_and_is_still_paid_for(delta: Any) -> None:
    stream, reader = StreamToMessages(), messages.read_stream()
    chunks = [
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"}}]},
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta}]},
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "c", "model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    ]
    for chunk in (*map(sent, chunks), DONE):
        for event in stream.feed(chunk):
            reader.feed(event)
    assert stream.broken is not None
    assert (reader.finished, reader.error is None, reader.assemble()) == (False, False, None)
    assert reader.usage == Usage(input_tokens=3, output_tokens=2)


@pytest.mark.parametrize("chunks", [[], [{"choices": [{"index": 0, "delta": {"content": "a"}}]}]])
def test_a_stream_that_says_it_is_done_before_it_ended_is_broken(chunks: list[Any]) -> None:
    stream = StreamToMessages()
    said = [event for chunk in (*map(sent, chunks), DONE) for event in stream.feed(chunk)]
    assert stream.broken == "an end before all was said"
    assert b"event: error" in said[-1]


def test_calls_cut_off_by_the_output_limit_end_as_the_provider_ended_them() -> None:
    stream = StreamToMessages()
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"a'}}
    for chunk in ({"delta": {"tool_calls": [call]}}, {"delta": {}, "finish_reason": "length"}):
        stream.feed(sent({"choices": [{"index": 0, **chunk}]}))
    assert b'"max_tokens"' in b"".join(stream.feed(DONE))
    assert stream.broken is None
