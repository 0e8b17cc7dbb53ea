"""An answer has an id as its caller's wire gives them, whatever model made it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from inference.wire.translate import StreamToChat, StreamToMessages, answer_to_chat, answer_to_messages
from inference.wire.translate.responses_to_chat import ResponsesToChat, response_to_chat

CREATED = 1_790_000_000


def completion(given: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    return msgspec.json.encode({"id": given, "object": "chat.completion", "model": "m", "choices": [choice]})


def message(given: Any) -> dict[str, Any]:
    return {
        "id": given, "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "Yes."}], "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip


def decoded(answer: object) -> dict[str, Any]:
    assert isinstance(answer, bytes), answer
    found: dict[str, Any] = msgspec.json.decode(answer)
    return found


@pytest.mark.parametrize(
    ("given", "told"), [("chatcmpl-aB3", "msg_aB3"), ("gen-17", "msg_gen-17"), ("msg_1", "msg_1"), ("", "")]
)
def test_a_completion_has_a_messages_id_whole_and_streamed(given: str, told: str) -> None:
    whole = decoded(answer_to_messages(completion(given)))
    assert whole["id"] == told
    chunk = {"id": given, "choices": [{"index": 0, "delta": {"content": "Yes."}}]}
    begun = StreamToMessages().feed(b"data: " + msgspec.json.encode(chunk | {"model": "m"}) + b"\n\n")[0]
    assert decoded(begun.split(b"data: ")[1])["message"]["id"] == told


@pytest.mark.parametrize(
    ("given", "told"), [("msg_01X", "chatcmpl-01X"), ("chatcmpl-1", "chatcmpl-1"), ("odd", "chatcmpl-odd"), ("", "")]
)
def test_a_message_has_a_completions_id_whole_and_streamed(given: str, told: str) -> None:
    assert decoded(answer_to_chat(msgspec.json.encode(message(given)), created=CREATED))["id"] == told
    event = {"type": "message_start", "message": message(given)}
    begun = StreamToChat(created=CREATED, include_usage=True).feed(b"data: " + msgspec.json.encode(event) + b"\n\n")
    assert decoded(begun[0].removeprefix(b"data: "))["id"] == told


def test_a_response_has_a_completions_id_whole_and_streamed() -> None:
    response = {"id": "resp_7", "model": "m", "status": "completed", "output": []}
    assert decoded(response_to_chat(msgspec.json.encode(response)))["id"] == "chatcmpl-7"
    event = {"type": "response.created", "response": response}
    events = ResponsesToChat().feed(b"data: " + msgspec.json.encode(event) + b"\n\n")
    assert all(decoded(one.removeprefix(b"data: "))["id"] == "chatcmpl-7" for one in events)


def test_an_id_goes_there_and_back_unchanged() -> None:
    there = answer_to_messages(completion("chatcmpl-1"))
    assert isinstance(there, bytes)
    assert decoded(answer_to_chat(there, created=CREATED))["id"] == "chatcmpl-1"


@pytest.mark.parametrize("odd", [7, None, ["chatcmpl-1"], {"id": "x"}])
def test_an_id_that_is_no_text_reaches_nobody(odd: Any) -> None:
    assert not isinstance(answer_to_messages(completion(odd)), bytes)
    assert not isinstance(answer_to_chat(msgspec.json.encode(message(odd)), created=CREATED), bytes)
    response = {"id": odd, "model": "m", "status": "completed", "output": []}
    assert decoded(response_to_chat(msgspec.json.encode(response)))["id"] == ""
