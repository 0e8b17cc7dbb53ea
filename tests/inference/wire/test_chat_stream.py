"""A chat stream is watched on its way, added up to the whole answer, and replayed from it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from inference.domain import Usage, Wire
from inference.wire.format import StreamReader, format_of
from inference.wire.sse import data_of
from tests.inference.wire.answers import chat_answers, present

chat = format_of(Wire.CHAT)


def event(**fields: Any) -> bytes:
    return b"data: " + msgspec.json.encode(fields) + b"\n\n"


def delta(finish_reason: str | None = None, /, **fields: Any) -> bytes:
    return event(id="c", model="m", choices=[{"index": 0, "delta": fields, "finish_reason": finish_reason}], usage=None)


DONE = b"data: [DONE]\n\n"
USAGE = event(id="c", model="m", choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})


def read(*events: bytes, **options: bool) -> StreamReader:
    reader = chat.read_stream(**options)
    for one in events:
        reader.feed(one)
    return reader


def assembled(*events: bytes) -> dict[str, Any]:
    body = read(*events).assemble()
    assert body is not None
    return msgspec.json.decode(body)


@given(chat_answers())
def test_a_replayed_answer_adds_up_to_itself(answer: dict[str, Any]) -> None:
    events = list(chat.replay(msgspec.json.encode(answer), include_usage=True))
    assert present(assembled(*events)) == present(answer)


@given(chat_answers())
def test_the_official_sdk_reads_a_replay_as_the_same_answer(answer: dict[str, Any]) -> None:
    for choice in answer["choices"]:  # the SDK's accumulator knows function calls only
        calls = [call for call in choice["message"].get("tool_calls", ()) if call["type"] == "function"]
        choice["message"]["tool_calls"] = calls or None
    state = ChatCompletionStreamState()
    for one in chat.replay(msgspec.json.encode(answer), include_usage=True):
        if one != DONE:
            state.handle_chunk(ChatCompletionChunk.model_validate_json(data_of(one)))
    got = state.current_completion_snapshot
    want = ChatCompletion.model_validate(answer)
    assert got.usage == want.usage
    for mine, theirs in zip(got.choices, want.choices, strict=True):
        assert mine.finish_reason == theirs.finish_reason
        assert (mine.message.content or "") == (theirs.message.content or "")
        assert [call.id for call in mine.message.tool_calls or ()] == [c.id for c in theirs.message.tool_calls or ()]
        assert [c.function.arguments for c in mine.message.tool_calls or ()] == [
            c.function.arguments for c in theirs.message.tool_calls or () if c.type == "function"
        ]


@given(chat_answers(), st.booleans())
def test_a_replay_tells_the_usage_only_to_those_who_asked(answer: dict[str, Any], asked: bool) -> None:
    events = list(chat.replay(msgspec.json.encode(answer), include_usage=asked))
    assert events[-1] == DONE
    assert any(b'"usage"' in one for one in events) is asked


def test_usage_and_the_end_are_noticed() -> None:
    reader = read(delta(role="assistant", content="Hi"), delta("stop"), USAGE, DONE)
    assert reader.usage == Usage(input_tokens=7, output_tokens=3)
    assert reader.finished
    assert reader.error is None


def test_the_usage_chunk_is_kept_from_a_client_that_did_not_ask() -> None:
    reader = chat.read_stream(hide_usage=True)
    assert [reader.feed(one) for one in (delta(content="a"), delta("stop"), USAGE, DONE)] == [True, True, False, True]
    assert reader.usage is not None


def test_the_usage_chunk_reaches_a_client_that_asked() -> None:
    assert chat.read_stream(hide_usage=False).feed(USAGE)


def test_usage_beside_the_last_words_is_read_and_relayed() -> None:
    last = event(choices=[{"index": 0, "delta": {"content": "!"}}], usage={"prompt_tokens": 1, "completion_tokens": 2})
    reader = chat.read_stream(hide_usage=True)
    assert reader.feed(last)
    assert reader.usage == Usage(input_tokens=1, output_tokens=2)


def test_text_that_looks_like_the_wire_is_only_text() -> None:
    sneaky = '"usage":{"prompt_tokens":9} [DONE] "error":{"message":"x"}'
    reader = read(delta(content=sneaky))
    assert (reader.usage, reader.finished, reader.error) == (None, False, None)
    assert reader.text() == sneaky


def test_a_provider_error_in_the_stream_is_noticed_and_nothing_is_assembled() -> None:
    reader = read(delta(content="a"), event(error={"message": "overloaded", "type": "server_error"}), DONE)
    assert reader.error is not None
    assert msgspec.json.decode(reader.error)["message"] == "overloaded"
    assert reader.assemble() is None


def test_an_interrupted_stream_has_text_but_no_answer() -> None:
    reader = read(delta(role="assistant", content="Half an "), delta(content="answer"))
    assert reader.text() == "Half an answer"
    assert reader.assemble() is None


def test_an_answer_whose_choice_never_ended_is_incomplete() -> None:
    assert read(delta(content="a"), DONE).assemble() is None


def test_tool_calls_are_put_together_by_index() -> None:
    answer = assembled(
        delta(role="assistant", content=None, tool_calls=[
            {"index": 0, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": ""}}]),
        delta(tool_calls=[
            {"index": 1, "id": "call_b", "type": "function", "function": {"name": "g", "arguments": "{"}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"x":'}}]),
        delta(tool_calls=[{"index": 1, "function": {"arguments": "}"}}, {"index": 0, "function": {"arguments": "1}"}}]),
        delta("tool_calls"),
        DONE,
    )  # fmt: skip
    message = answer["choices"][0]["message"]
    assert message["content"] is None
    assert [(c["id"], c["function"]) for c in message["tool_calls"]] == [
        ("call_a", {"name": "f", "arguments": '{"x":1}'}),
        ("call_b", {"name": "g", "arguments": "{}"}),
    ]


def test_a_provider_that_repeats_the_role_and_the_call_id_is_understood() -> None:
    call = {"index": 0, "id": "call_a", "type": "function"}
    answer = assembled(
        delta(role="assistant", tool_calls=[{**call, "function": {"name": "f", "arguments": "{"}}]),
        delta(role="assistant", tool_calls=[{**call, "function": {"name": "f", "arguments": "}"}}]),
        delta("tool_calls"),
        DONE,
    )
    (whole,) = answer["choices"][0]["message"]["tool_calls"]
    assert whole == {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize("unknown", [{"audio": {"data": "AA=="}}, {"tool_calls": [{"id": "no index"}]}])
def test_a_delta_that_cannot_be_merged_with_certainty_leaves_no_answer(unknown: dict[str, Any]) -> None:
    assert read(delta(content="a"), delta(**unknown), delta("stop"), DONE).assemble() is None


def test_an_unknown_text_that_comes_in_pieces_leaves_no_answer() -> None:
    assert read(delta(aside="one"), delta(aside="two"), delta("stop"), DONE).assemble() is None


def test_a_stream_that_did_not_end_has_its_text() -> None:
    reader = read(*[delta(content="word ")] * 100)
    assert reader.text() == "word " * 100


def test_keep_alive_comments_do_not_disturb() -> None:
    answer = assembled(b": processing\n\n", delta(content="a"), b": processing\n\n", delta("stop"), DONE)
    assert answer["choices"][0]["message"]["content"] == "a"


def test_impossible_usage_is_not_believed() -> None:
    assert read(event(choices=[], usage={"prompt_tokens": -5, "completion_tokens": 3})).usage is None
