"""Errors speak the shape of the wire they answer on, so that the official SDKs raise the right exception."""

from __future__ import annotations

import anthropic
import httpx2
import msgspec
import openai
import pytest

from inference.domain import RefusalKind, Wire
from inference.wire.errors import ANTHROPIC, OPENAI, ErrorKind, Kind
from inference.wire.format import format_of

chat, messages = format_of(Wire.CHAT), format_of(Wire.MESSAGES)
KINDS: list[Kind] = [*RefusalKind, *ErrorKind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_error_has_a_name_on_both_wires(kind: Kind) -> None:
    assert kind in OPENAI
    assert kind in ANTHROPIC


def test_a_chat_error_names_the_field_and_the_code() -> None:
    raw = chat.error_body(RefusalKind.UNKNOWN_MODEL, "No such model.", param="model", request_id="req_1")
    assert msgspec.json.decode(raw) == {
        "error": {
            "message": "No such model.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
            "request_id": "req_1",
        }
    }


def test_a_messages_error_names_the_field_in_its_message() -> None:
    raw = messages.error_body(RefusalKind.INVALID, "it must not be empty", param="messages", request_id="req_1")
    assert msgspec.json.decode(raw) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "messages: it must not be empty"},
        "request_id": "req_1",
    }


def responding(body: bytes, status: int, content_type: str = "application/json") -> httpx2.Client:
    def handle(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": content_type})

    return httpx2.Client(transport=httpx2.MockTransport(handle))


def test_the_openai_sdk_raises_the_error_it_knows() -> None:
    http = responding(chat.error_body(RefusalKind.OVER_BUDGET, "The daily budget is spent."), 429)
    client = openai.OpenAI(api_key="k", base_url="http://asahi.test/v1", http_client=http, max_retries=0)
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert raised.value.code == "budget_exceeded"


def test_the_anthropic_sdk_raises_the_error_it_knows() -> None:
    http = responding(messages.error_body(RefusalKind.UNKNOWN_MODEL, "No such model.", code="model_not_found"), 404)
    client = anthropic.Anthropic(api_key="k", base_url="http://asahi.test", http_client=http, max_retries=0)
    with pytest.raises(anthropic.NotFoundError) as raised:
        client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])
    assert raised.value.error_code == "model_not_found"


def test_the_openai_sdk_raises_an_error_that_comes_in_the_stream() -> None:
    http = responding(chat.error_event(RefusalKind.PROVIDER_FAILED, "It broke off."), 200, "text/event-stream")
    client = openai.OpenAI(api_key="k", base_url="http://asahi.test/v1", http_client=http, max_retries=0)
    stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
    with pytest.raises(openai.APIError, match="It broke off"):
        list(stream)


def test_the_anthropic_sdk_raises_an_error_that_comes_in_the_stream() -> None:
    http = responding(messages.error_event(RefusalKind.PROVIDER_FAILED, "It broke off."), 200, "text/event-stream")
    client = anthropic.Anthropic(api_key="k", base_url="http://asahi.test", http_client=http, max_retries=0)
    stream = client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}], stream=True)
    with pytest.raises(anthropic.APIStatusError, match="It broke off"):
        list(stream)
