"""The vendors' own clients read what the wires write: replayed, translated, streamed and whole."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import httpx2
import msgspec
import openai
import pytest

from inference.domain import Wire
from inference.wire.format import format_of
from inference.wire.translate import StreamToChat, StreamToMessages

chat, messages = format_of(Wire.CHAT), format_of(Wire.MESSAGES)
ANSWER = "Light is scattered by air, the short waves most. " * 20
COMPLETION = msgspec.json.encode(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-6-luna",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": ANSWER,
                    "refusal": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "look_up", "arguments": '{"city":"Pune"}'},
                        }
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46},
    }
)
MESSAGE = msgspec.json.encode(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [
            {"type": "thinking", "thinking": "Physics.", "signature": "c2ln"},
            {"type": "text", "text": ANSWER},
            {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"city": "Pune"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 2, "cache_read_input_tokens": 10, "output_tokens": 34},
    }
)


def http(body: bytes) -> httpx2.Client:
    def handle(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=body, headers={"content-type": "text/event-stream"})

    return httpx2.Client(transport=httpx2.MockTransport(handle))


def replayed_chat() -> Iterator[bytes]:
    return chat.replay(COMPLETION, include_usage=True)


def translated_chat() -> Iterator[bytes]:
    translator = StreamToChat(created=1_790_000_000, include_usage=True)
    for event in messages.replay(MESSAGE, include_usage=True):
        yield from translator.feed(event)


def replayed_messages() -> Iterator[bytes]:
    return messages.replay(MESSAGE, include_usage=True)


def translated_messages() -> Iterator[bytes]:
    translator = StreamToMessages()
    for event in chat.replay(COMPLETION, include_usage=True):
        yield from translator.feed(event)


@pytest.mark.parametrize("events", [replayed_chat, translated_chat])
def test_the_openai_sdk_reads_a_chat_stream(events: type[Iterator[bytes]]) -> None:
    client = openai.OpenAI(api_key="k", base_url="http://asahi.test/v1", http_client=http(b"".join(events())))
    asked = {"model": "m", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
    with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
        answer = stream.get_final_completion()
    (choice,) = answer.choices
    assert choice.message.content == ANSWER
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    assert [call.function.arguments for call in choice.message.tool_calls] == ['{"city":"Pune"}']
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (12, 34)


@pytest.mark.parametrize("events", [replayed_messages, translated_messages])
def test_the_anthropic_sdk_reads_a_messages_stream(events: type[Iterator[bytes]]) -> None:
    client = anthropic.Anthropic(api_key="k", base_url="http://asahi.test", http_client=http(b"".join(events())))
    with client.messages.stream(
        model="m", max_tokens=64, messages=[{"role": "user", "content": "Why is the sky blue?"}]
    ) as stream:
        answer = stream.get_final_message()
    assert [block.text for block in answer.content if block.type == "text"] == [ANSWER]
    assert [block.input for block in answer.content if block.type == "tool_use"] == [{"city": "Pune"}]
    assert answer.stop_reason == "tool_use"
    assert answer.usage.output_tokens == 34
    assert answer.usage.input_tokens + (answer.usage.cache_read_input_tokens or 0) == 12
