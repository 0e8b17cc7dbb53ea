"""Whatever a provider sends, a response made of it, or read from it, is one or ends in an error; nothing raises."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from inference.domain import Wire
from inference.wire.format import format_of
from inference.wire.sse import data_of
from inference.wire.translate import Untranslatable, Way
from inference.wire.written import written_text
from tests.inference.wire.answers import chat_answers, messages_answers
from tests.inference.wire.test_untrusted_providers import damaged, nonsense, typed

chat, messages, responses = format_of(Wire.CHAT), format_of(Wire.MESSAGES), format_of(Wire.RESPONSES)
an_event, a_response = TypeAdapter(ResponseStreamEvent), TypeAdapter(Response)
ASKED = {"model": "m", "input": "hello", "tools": [{"type": "custom", "name": "f"}]}
DONE = b"data: [DONE]\n\n"


def way(model: Wire) -> Way:
    made = Way(Wire.RESPONSES, model)
    made._steps[0]._request = ASKED  # type: ignore[attr-defined]
    return made


def check_stream(events: list[bytes], model: Wire) -> None:
    """All that is said is what OpenAI's client expects; a stream that was not valid does not end well."""
    stream, reader = way(model).events(), responses.read_stream()
    for event in events:
        for said in stream.feed(event):
            reader.feed(said)
            body = data_of(said)
            if body and msgspec.json.decode(body)["type"] != "error":
                an_event.validate_json(body)
    if stream.broken:
        assert not reader.finished or reader.error is not None, stream.broken
    reader.text()
    reader.assemble()


def with_damage(events: list[bytes], data: st.DataObject) -> list[bytes]:
    at = data.draw(st.integers(0, len(events) - 1))
    if data_of(events[at]).strip() == b"[DONE]":
        return events
    spoiled = b"data: " + msgspec.json.encode(damaged(msgspec.json.decode(data_of(events[at])), data)) + b"\n\n"
    return [*events[:at], spoiled, *events[at + 1 :]]


@given(chat_answers(), st.data())
def test_a_damaged_chat_stream_is_a_valid_response_or_an_error(answer: dict[str, Any], data: st.DataObject) -> None:
    events = list(chat.replay(msgspec.json.encode(answer), include_usage=True))
    check_stream(with_damage(events, data), Wire.CHAT)


@given(messages_answers(), st.data())
def test_a_damaged_message_stream_is_a_valid_response_or_an_error(answer: dict[str, Any], data: st.DataObject) -> None:
    events = list(messages.replay(msgspec.json.encode(answer), include_usage=True))
    check_stream(with_damage(events, data), Wire.MESSAGES)


@given(st.lists(nonsense | typed, max_size=6), st.sampled_from([Wire.CHAT, Wire.MESSAGES]))
def test_nonsense_is_a_valid_response_or_an_error(values: list[Any], model: Wire) -> None:
    check_stream([*(b"data: " + msgspec.json.encode(value) + b"\n\n" for value in values), DONE], model)


@given(chat_answers() | messages_answers(), st.data())
def test_a_damaged_answer_is_a_valid_response_or_refused(answer: dict[str, Any], data: st.DataObject) -> None:
    raw = msgspec.json.encode(damaged(answer, data))
    for model in (Wire.CHAT, Wire.MESSAGES):
        said = way(model).answer(raw)
        if not isinstance(said, Untranslatable):
            a_response.validate_json(said)
    assert isinstance(written_text(raw), str)
    for wire in Wire:
        format_of(wire).usage_of_body(raw)
        format_of(wire).answer_text(raw)


@given(st.lists(nonsense | typed | st.binary(max_size=30), max_size=6))
def test_nonsense_in_a_stream_of_a_response_is_survived(values: list[Any]) -> None:
    reader = responses.read_stream()
    for value in values:
        data = value if isinstance(value, bytes) else msgspec.json.encode(value)
        for name in (b"", b"event: response.output_text.delta\n", b"event: response.completed\n"):
            reader.feed(name + b"data: " + data + b"\n\n")
    reader.text()
    reader.assemble()


@pytest.mark.parametrize(
    "delta",
    [
        {"content": 5},
        {"content": ["a"]},
        {"refusal": True},
        {"tool_calls": [{"index": 0, "id": 5, "function": {"name": "g"}}]},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "g", "arguments": {"a": 1}}}]},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": 7}}]},
        {"tool_calls": [{"index": [], "id": "a", "function": {"name": "g"}}]},
        {"tool_calls": 5},
        {"audio": {"id": "a"}},
        "hello",
    ],
)
def test_a_wrong_chunk_ends_the_response_in_an_error_and_is_still_paid_for(delta: Any) -> None:
    chunks = [
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"}}]},
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta}]},
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "c", "model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    ]
    stream, reader = way(Wire.CHAT).events(), responses.read_stream()
    for chunk in (*(b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks), DONE):
        for event in stream.feed(chunk):
            reader.feed(event)
    assert stream.broken is not None
    assert reader.error is not None
    assert reader.assemble() is None
    assert reader.text() == "a"
