"""A messages stream is watched on its way, added up to the whole message, and replayed from it."""

from __future__ import annotations

from typing import Any

import msgspec
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from pydantic import TypeAdapter

from inference.domain import Usage, Wire
from inference.wire.format import StreamReader, format_of
from inference.wire.sse import data_of
from tests.inference.wire.answers import messages_answers

messages = format_of(Wire.MESSAGES)
sdk_event = TypeAdapter(RawMessageStreamEvent)


def event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))


START = event(
    "message_start",
    message={
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5", "content": [],
        "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20,
                  "cache_creation": {"ephemeral_1h_input_tokens": 5, "ephemeral_5m_input_tokens": 15},
                  "output_tokens": 1},
    },
)  # fmt: skip
END = event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 42})
STOP = event("message_stop")


def block(index: int, started: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    return [
        event("content_block_start", index=index, content_block=started),
        *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
        event("content_block_stop", index=index),
    ]


def text(*pieces: str) -> list[bytes]:
    return block(0, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def read(*events: bytes, **options: bool) -> StreamReader:
    reader = messages.read_stream(**options)
    for one in events:
        assert reader.feed(one)
    return reader


def assembled(*events: bytes) -> dict[str, Any]:
    body = read(*events).assemble()
    assert body is not None
    return msgspec.json.decode(body)


@given(messages_answers())
def test_a_replayed_message_adds_up_to_itself(answer: dict[str, Any]) -> None:
    events = list(messages.replay(msgspec.json.encode(answer), include_usage=True))
    assert assembled(*events) == answer


@given(messages_answers())
def test_the_official_sdk_reads_a_replay_as_the_same_message(answer: dict[str, Any]) -> None:
    snapshot, buffers = None, {}
    for one in messages.replay(msgspec.json.encode(answer), include_usage=True):
        parsed = sdk_event.validate_json(data_of(one))
        assert one.startswith(f"event: {parsed.type}\n".encode())
        if parsed.type != "message_stop":
            snapshot = accumulate_event(event=parsed, current_snapshot=snapshot, json_bufs=buffers)
    assert snapshot is not None
    want = Message.model_construct(**Message.model_validate(answer).__dict__)
    assert snapshot.to_dict(exclude_none=True)["content"] == want.to_dict(exclude_none=True)["content"]
    assert snapshot.stop_reason == want.stop_reason
    assert snapshot.usage.to_dict() == want.usage.to_dict()


def test_cached_and_cache_writing_tokens_are_part_of_the_input() -> None:
    reader = read(START, *text("Hi"), END, STOP)
    assert reader.finished
    assert reader.usage == Usage(
        input_tokens=130, output_tokens=42, cached_input_tokens=100, cache_write_tokens=20, cache_write_1h_tokens=5
    )


def test_text_that_looks_like_the_wire_is_only_text() -> None:
    sneaky = 'event: message_stop\n\n{"type":"error"}'
    reader = read(START, *text(sneaky))
    assert not reader.finished
    assert reader.error is None
    assert reader.text() == sneaky


def test_tool_input_is_parsed_from_its_pieces() -> None:
    started = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}
    pieces = ["", '{"city": "Pu', 'ne", "days"', ": 3}"]
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    answer = assembled(START, *block(0, started, *deltas), END, STOP)
    assert answer["content"] == [{**started, "input": {"city": "Pune", "days": 3}}]


def test_tool_input_that_was_cut_off_leaves_no_answer() -> None:
    started = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}
    cut = block(0, started, {"type": "input_json_delta", "partial_json": '{"city": "Pu'})
    assert read(START, *cut, END, STOP).assemble() is None


def test_thinking_keeps_its_signature_and_the_signature_is_no_output_text() -> None:
    started = {"type": "thinking", "thinking": "", "signature": ""}
    deltas = [{"type": "thinking_delta", "thinking": "Hm."}, {"type": "signature_delta", "signature": "c2ln"}]
    reader = read(START, *block(0, started, *deltas), END, STOP)
    assert reader.text() == "Hm."
    body = reader.assemble()
    assert body is not None
    assert msgspec.json.decode(body)["content"] == [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]


def test_a_delta_of_an_unknown_kind_leaves_no_answer() -> None:
    strange = block(0, {"type": "text", "text": ""}, {"type": "hologram_delta", "hologram": "x"})
    assert read(START, *strange, END, STOP).assemble() is None


def test_an_interrupted_stream_has_text_and_usage_so_far_but_no_answer() -> None:
    reader = read(START, *text("Half an ", "answer")[:-1])
    assert (reader.text(), reader.finished, reader.assemble()) == ("Half an answer", False, None)
    assert reader.usage is not None
    assert reader.usage.input_tokens == 130


def test_a_provider_error_in_the_stream_is_noticed_and_nothing_is_assembled() -> None:
    overloaded = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    reader = read(START, *text("a"), overloaded)
    assert reader.error is not None
    assert msgspec.json.decode(reader.error)["type"] == "overloaded_error"
    assert reader.assemble() is None


def test_pings_do_not_disturb() -> None:
    answer = assembled(START, event("ping"), *text("a"), event("ping"), END, STOP)
    assert answer["content"] == [{"type": "text", "text": "a"}]
    assert answer["stop_reason"] == "end_turn"
    assert answer["usage"]["output_tokens"] == 42
