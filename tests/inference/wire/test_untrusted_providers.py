"""Whatever a provider sends, reading it never raises: the answer is unknown then, and the call goes on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain import Wire
from inference.wire.format import format_of
from inference.wire.translate import StreamToChat, StreamToMessages, answer_to_chat, answer_to_messages
from tests.inference.wire.answers import chat_answers, json_values, messages_answers

READ = (Wire.CHAT, Wire.MESSAGES)
keys = st.sampled_from(
    ["choices", "delta", "index", "usage", "error", "type", "message", "content", "content_block", "tool_calls",
     "function", "arguments", "id", "name", "logprobs", "finish_reason", "role", "text", "partial_json", "input"]
)  # fmt: skip
kinds = st.sampled_from(
    ["message_start", "message_delta", "content_block_start", "content_block_delta", "content_block_stop",
     "message_stop", "error", "text_delta", "tool_use", "text", "input_json_delta"]
)  # fmt: skip
nonsense = st.recursive(
    json_values | kinds | st.integers(-1, 1),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
typed = st.builds(
    lambda kind, fields: {**(fields if isinstance(fields, dict) else {}), "type": kind},
    kinds,
    nonsense,
)


def damaged(value: Any, data: st.DataObject) -> Any:
    """A valid answer with one place replaced by nonsense."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: damaged(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        return [damaged(value[0], data), *value[1:]]
    return data.draw(nonsense)


def feed_all(events: list[bytes]) -> None:
    for wire in READ:
        reader = format_of(wire).read_stream(hide_usage=True)
        for event in [*events, b"data: [DONE]\n\n", b'event: message_stop\ndata: {"type":"message_stop"}\n\n']:
            reader.feed(event)
        reader.text()
        reader.assemble()
        assert reader.usage is None or reader.usage.input_tokens >= 0
    for translator in (StreamToChat(created=0, include_usage=True), StreamToMessages()):
        for event in [*events, b"data: [DONE]\n\n"]:
            translator.feed(event)


@given(st.lists(nonsense | typed, max_size=6))
def test_nonsense_in_a_stream_is_survived(values: list[Any]) -> None:
    feed_all([b"data: " + msgspec.json.encode(value) + b"\n\n" for value in values])


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_bytes_in_a_stream_are_survived(values: list[bytes]) -> None:
    feed_all([b"data: " + value + b"\n\n" for value in values])


@given(chat_answers() | messages_answers(), st.data())
def test_a_damaged_answer_is_survived(answer: dict[str, Any], data: st.DataObject) -> None:
    raw = msgspec.json.encode(damaged(answer, data))
    for wire in READ:
        format_of(wire).usage_of_body(raw)
        format_of(wire).answer_text(raw)
    answer_to_chat(raw, created=0)
    answer_to_messages(raw)


@given(chat_answers(), st.data())
def test_a_damaged_chat_stream_is_survived(answer: dict[str, Any], data: st.DataObject) -> None:
    chunks = list(format_of(Wire.CHAT).replay(msgspec.json.encode(answer), include_usage=True))[:-1]
    at = data.draw(st.integers(0, len(chunks) - 1))
    chunk = damaged(msgspec.json.decode(chunks[at][6:]), data)
    feed_all([*chunks[:at], b"data: " + msgspec.json.encode(chunk) + b"\n\n", *chunks[at + 1 :]])


@given(messages_answers(), st.data())
def test_a_damaged_messages_stream_is_survived(answer: dict[str, Any], data: st.DataObject) -> None:
    events = list(format_of(Wire.MESSAGES).replay(msgspec.json.encode(answer), include_usage=True))
    at = data.draw(st.integers(0, len(events) - 1))
    name, _, body = events[at].partition(b"\ndata: ")
    event = name + b"\ndata: " + msgspec.json.encode(damaged(msgspec.json.decode(body), data)) + b"\n\n"
    feed_all([*events[:at], event, *events[at + 1 :]])


@pytest.mark.parametrize("shape", ["[" * 100_000, '{"choices":' * 100_000])
def test_endless_nesting_is_survived(shape: str) -> None:
    feed_all([b"data: " + shape.encode() + b"\n\n"])
    for wire in READ:
        assert format_of(wire).usage_of_body(shape.encode()) is None
