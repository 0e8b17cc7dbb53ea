"""Chat and messages for models that speak nothing but responses."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from inference.domain import Model, Wire
from inference.wire import translate
from inference.wire.format import format_of
from inference.wire.translate.chat_to_responses import chat_to_responses
from inference.wire.translate.refusal import Untranslatable
from inference.wire.translate.responses_answer import answer_to_responses
from inference.wire.translate.responses_request import responses_to_chat
from inference.wire.translate.responses_to_chat import ResponsesToChat, response_to_chat
from tests.inference.wire.answers import chat_answers
from tests.inference.wire.conversations import chat_requests, messages_requests
from tests.inference.wire.test_responses_wire import responses
from tests.inference.wire.test_translated_responses import ACCEPTED, speakable

SONAR = Model(
    id="sonar", provider="perplexity", upstream_id="sonar", wire=Wire.RESPONSES, context_tokens=128_000,
    max_output_tokens=8_000, latency_ms=1000, capabilities=frozenset(ACCEPTED), quality={"default": 0.7},
)  # fmt: skip


@given(chat_requests())
def test_a_chat_request_comes_back_from_responses_as_it_was(chat: dict[str, Any]) -> None:
    chat.pop("stop", None)
    said = chat_to_responses(chat)
    assert not isinstance(said, Untranslatable)
    assert format_of(Wire.RESPONSES).check(said) is None
    assert responses_to_chat(said, accepted=ACCEPTED) == chat


@given(chat_answers())
def test_an_answer_comes_back_from_chat_as_it_was(answer: dict[str, Any]) -> None:
    whole = answer_to_responses(msgspec.json.encode(speakable(answer)), {"input": "Why?"}, created=1)
    assert isinstance(whole, bytes)
    chat = response_to_chat(whole)
    assert isinstance(chat, bytes)
    again = answer_to_responses(chat, {"input": "Why?"}, created=1)
    assert isinstance(again, bytes)
    first, second = (nameless(msgspec.json.decode(one)) for one in (whole, again))
    assert first == second
    assert format_of(Wire.CHAT).usage_of_body(chat) == format_of(Wire.RESPONSES).usage_of_body(whole)


def nameless(response: dict[str, Any]) -> dict[str, Any]:
    return {**response, "id": "", "output": [{**item, "id": ""} for item in response["output"]]}


@given(responses)
def test_a_translated_stream_adds_up_to_the_translated_response(answer: dict[str, Any]) -> None:
    raw = msgspec.json.encode(answer)
    whole = response_to_chat(raw)
    translator, reader = ResponsesToChat(), format_of(Wire.CHAT).read_stream()
    for event in format_of(Wire.RESPONSES).replay(raw, include_usage=True):
        for said in translator.feed(event):
            reader.feed(said)
    if isinstance(whole, Untranslatable):
        assert translator.broken
        return
    assert translator.broken is None
    assembled = reader.assemble()
    assert assembled is not None
    streamed, told = msgspec.json.decode(assembled), msgspec.json.decode(whole)
    assert said_in(streamed) == said_in(told)
    assert streamed["usage"] == told["usage"]
    assert reader.usage == format_of(Wire.CHAT).usage_of_body(whole)


def said_in(completion: dict[str, Any]) -> Any:
    [choice] = completion["choices"]
    message = choice["message"]
    return (message.get("content") or "", message.get("refusal") or "", message.get("tool_calls"),
            choice["finish_reason"])  # fmt: skip


@given(messages_requests())
def test_a_messages_request_goes_through_both_or_is_refused_by_name(body: dict[str, Any]) -> None:
    said = translate.Way(Wire.MESSAGES, Wire.RESPONSES).ask(body, SONAR)
    if isinstance(said, Untranslatable):
        assert said.param
    else:
        assert format_of(Wire.RESPONSES).check(said) is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"stop": ["x"]}, "stop"), ({"n": 2}, "n"), ({"seed": 1}, "seed"), ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"1": 1}}, "logit_bias"), ({"frequency_penalty": 1}, "frequency_penalty"),
        ({"functions": [{"name": "f"}]}, "functions"), ({"audio": {"voice": "a"}}, "audio"),
        ({"unknown_field": 1}, "unknown_field"),
        ({"messages": [{"role": "user", "name": "ada", "content": "x"}]}, "messages[0].name"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
         "messages[0].content[0].type"),
    ],
)  # fmt: skip
def test_what_responses_cannot_say_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    said = chat_to_responses({"model": "m", "messages": [{"role": "user", "content": "Why?"}], **fields})
    assert isinstance(said, Untranslatable)
    assert said.param == param


def test_a_search_that_chat_asks_for_is_a_tool_there() -> None:
    where = {"type": "approximate", "approximate": {"city": "Oslo"}}
    options = {"search_context_size": "low", "user_location": where}
    said = chat_to_responses({"messages": [{"role": "user", "content": "x"}], "web_search_options": options})
    assert not isinstance(said, Untranslatable)
    assert said["tools"] == [
        {"type": "web_search", "search_context_size": "low", "user_location": {"type": "approximate", "city": "Oslo"}}
    ]


def test_a_failure_in_the_middle_is_an_error_of_the_chat_stream() -> None:
    reader = format_of(Wire.CHAT).read_stream()
    failed = {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "sorry"}}}
    for said in ResponsesToChat().feed(b"event: response.failed\ndata: %b\n\n" % msgspec.json.encode(failed)):
        reader.feed(said)
    assert reader.error is not None
    assert b"sorry" in reader.error
