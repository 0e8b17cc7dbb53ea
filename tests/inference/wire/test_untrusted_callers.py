"""Whatever a caller sends, a request that passes its check can be read, bounded, sent on and translated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from inference.domain import Wire
from inference.wire.capabilities import LATE_INSTRUCTIONS, REASONING, SAMPLING
from inference.wire.checks import Invalid
from inference.wire.format import format_of
from inference.wire.translate import to_chat, to_messages

ACCEPTED = frozenset({SAMPLING, REASONING, LATE_INSTRUCTIONS})
ODD = [None, True, 0, 5, -1, 0.5, "", "x", [], [1], [[]], ["x"], [{}], {}, {"a": 1}, {"type": "x"}, {"type": "text"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
PDF = "data:application/pdf;base64,JVBERi0="

CHAT = {
    "model": "gpt-6-luna",
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Why?", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "auto"}},
                {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
            ],
        },
        {"role": "developer", "content": "Be brief."},
        {
            "role": "assistant",
            "content": "Hm.",
            "refusal": "No.",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "4"},
    ],
    "stream": True,
    "stream_options": {"include_usage": True},
    "stop": ["x"],
    "temperature": 0.5,
    "top_p": 0.5,
    "n": 1,
    "user": "u",
    "metadata": {},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
    "reasoning_effort": "low",
    "service_tier": "default",
    "max_completion_tokens": 9,
}
CHAT_OTHERS = ("functions", "function_call", "modalities", "audio", "web_search_options", "prediction", "logit_bias")

MESSAGES = {
    "model": "claude-haiku-5-5",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Why?"},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "b"}, "caller": {"type": "direct"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t",
                    "content": [{"type": "text", "text": "4"}],
                    "is_error": True,
                }
            ],
        },
        {"role": "system", "content": "Be brief."},
    ],
    "stop_sequences": ["x"],
    "temperature": 0.5,
    "stream": True,
    "metadata": {"user_id": "u"},
    "tools": [{"name": "f", "description": "d", "input_schema": SCHEMA, "allowed_callers": ["direct"]}],
    "tool_choice": {"type": "tool", "name": "f"},
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
    "service_tier": "standard_only",
}
MESSAGES_OTHERS = ("container", "cache_control", "speed", "diagnostics", "top_k", "inference_geo")


def odd_versions(value: Any) -> Iterator[Any]:
    """The value with every one of its places, in turn, replaced by each odd value or left out."""
    yield from ODD
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {name: kept for name, kept in value.items() if name != key}
            yield from ({**value, key: version} for version in odd_versions(inner))
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield [*value[:at], *value[at + 1 :]]
            yield from ([*value[:at], version, *value[at + 1 :]] for version in odd_versions(inner))


def with_others(body: dict[str, Any], others: tuple[str, ...]) -> Iterator[Any]:
    yield body
    yield from odd_versions(body)
    yield from ({**body, name: version} for name in others for version in ODD)


def use(wire: Wire, body: Any) -> bool:
    """Does with a body all that is done with one; False when its check refuses it."""
    shape = format_of(wire)
    if not isinstance(body, dict) or isinstance(shape.check(body), Invalid):
        return False
    raw = shape.upstream_body(body, "m", stream=True)
    assert msgspec.json.decode(raw)["model"] == "m"
    shape.canonical(body)
    assert shape.input_token_bound(body, len(raw)) > 0
    assert shape.answers(body) >= 1
    for read in (shape.needs, shape.task_text, shape.system_text, shape.max_output_tokens, shape.include_usage):
        read(body)
    if wire is Wire.CHAT:
        to_messages(body, accepted=ACCEPTED, default_max_tokens=64)
    else:
        to_chat(body, accepted=ACCEPTED)
    return True


@pytest.mark.parametrize(
    ("wire", "body", "others"), [(Wire.CHAT, CHAT, CHAT_OTHERS), (Wire.MESSAGES, MESSAGES, MESSAGES_OTHERS)]
)
def test_an_odd_request_is_refused_or_read(wire: Wire, body: dict[str, Any], others: tuple[str, ...]) -> None:
    outcomes = [use(wire, version) for version in with_others(body, others)]
    assert outcomes[0], "the request itself is in order"
    assert set(outcomes) == {True, False}
    assert len(outcomes) > 1_000
