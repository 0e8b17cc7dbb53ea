"""The places of both wires' requests, as the vendors' installed clients know them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_count_tokens_params as beta_count_tokens_params
from anthropic.types.beta import message_create_params as beta_create_params
from openai.types.chat import completion_create_params

from inference.domain import Wire
from inference.wire.chat.fields import FIELDS as CHAT_FIELDS
from inference.wire.fields import Table
from inference.wire.messages.fields import FIELDS as MESSAGES_FIELDS
from tests.inference.wire.conversations import PIXEL
from tests.inference.wire.sdk_shapes import Place, Surroundings, Walk, named

USER = {"role": "user", "content": "Why?"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
PDF = "JVBERi0="
FUNCTION = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def in_a_chat(message: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "4"} for call in message.get("tool_calls") or ()]
    match message["role"]:
        case "system" | "developer":
            return [message, USER], 0
        case "tool":
            return [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, message], 2
        case "assistant":
            return [USER, message, *results, USER], 1
        case _:
            return [USER, message], 1


def in_messages(message: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    return [USER, message, *([USER] if message["role"] == "assistant" else [])], 1


_CHAT = Surroundings(
    samples={
        "model": "gpt-6-luna",
        "url": f"data:image/png;base64,{PIXEL}",
        "data": PIXEL,
        "file_data": f"data:application/pdf;base64,{PDF}",
        "arguments": '{"a": 1}',
        "parameters": SCHEMA,
        "schema": SCHEMA,
        "temperature": 0.5,
        "top_p": 0.5,
        "id": "call_1",
        "tool_call_id": "call_1",
        ("content:file", "file"): {"file_data": f"data:application/pdf;base64,{PDF}"},
        ("tool_choice:function.function", "name"): "f",
        ("tool_choice:allowed_tools.allowed_tools", "tools"): [FUNCTION],
        ("", "tools"): [FUNCTION],
        ("response_format:json_schema", "json_schema"): {"name": "f", "schema": SCHEMA},
        ("", "messages"): [USER],
        ("messages:assistant", "tool_calls"): [CALL],
        ("messages:assistant", "content"): "Because.",
    },
    companions={
        ("", "tool_choice"): {"tools": [FUNCTION]},
        ("", "parallel_tool_calls"): {"tools": [FUNCTION]},
        ("", "stream_options"): {"stream": True},
        ("content:file.file", "filename"): {"file_data": f"data:application/pdf;base64,{PDF}"},
        **{
            ("response_format:json_schema.json_schema", name): {"schema": SCHEMA}
            for name in ("name", "description", "strict")
        },
        ("messages:assistant", "role"): {"content": "Because."},
        ("messages:assistant", "name"): {"content": "Because."},
    },
    slots={},
    placed=in_a_chat,
)
_MESSAGES = Surroundings(
    samples={
        "model": "claude-haiku-5-5",
        "data": PIXEL,
        "url": "https://example.com/a.png",
        "input_schema": SCHEMA,
        "schema": SCHEMA,
        "input": {"a": 1},
        "max_tokens": 64,
        ("messages:system", "output_config"): {"effort": "low"},
    },
    companions={
        ("", "tool_choice"): {"tools": [{"name": "text", "input_schema": SCHEMA}]},
        ("messages:system", "role"): {"content": "Be kind."},
        ("messages:system", "clear_at"): {"content": "Be kind."},
    },
    slots={"definition": "tools", "tool_changes": "content", "system": "content"},
    placed=in_messages,
)
_ROOTS: dict[Wire, tuple[Any, ...]] = {
    Wire.CHAT: (
        completion_create_params.CompletionCreateParamsNonStreaming,
        completion_create_params.CompletionCreateParamsStreaming,
    ),
    Wire.MESSAGES: (
        message_create_params.MessageCreateParamsNonStreaming,
        message_create_params.MessageCreateParamsStreaming,
        message_count_tokens_params.MessageCountTokensParams,
        beta_create_params.MessageCreateParamsNonStreaming,
        beta_create_params.MessageCreateParamsStreaming,
        beta_count_tokens_params.MessageCountTokensParams,
    ),
}
_AROUND = {Wire.CHAT: _CHAT, Wire.MESSAGES: _MESSAGES}
TABLES: dict[Wire, Table] = {Wire.CHAT: CHAT_FIELDS, Wire.MESSAGES: MESSAGES_FIELDS}
WIRES = (Wire.CHAT, Wire.MESSAGES)


@cache
def places(wire: Wire) -> dict[str, list[Place]]:
    """Every place of a wire's requests, by shape. A request that only counts tokens gets the limit it lacks."""
    found: dict[str, list[Place]] = {}
    for root in _ROOTS[wire]:
        for place in Walk(_AROUND[wire]).places(root):
            if wire is Wire.MESSAGES:
                for body in (place.body, place.without):
                    body.setdefault("max_tokens", 64)
            found.setdefault(place.shape, []).append(place)
    return found


def refused_by_table(wire: Wire, body: dict[str, Any]) -> set[str]:
    """What the table says is refused in a request, found by walking all of it."""
    return {named(path) for path in _refused(wire, body, "", ())}


def _refused(wire: Wire, held: Any, shape: str, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    rules = TABLES[wire].get(shape, {})
    for name, value in held.items():
        if name in rules and rules[name].refuses(value):
            yield (*path, name)
        for inner, at in _objects(value, (*path, name)):
            told = inner.get("role") or inner.get("type")
            slot = _AROUND[wire].slots.get(name, name)
            yield from _refused(wire, inner, f"{slot}:{told}" if told else f"{shape}.{name}".lstrip("."), at)


def _objects(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[dict[str, Any], tuple[str | int, ...]]]:
    if isinstance(value, dict):
        yield value, path
    elif isinstance(value, list):
        yield from ((item, (*path, index)) for index, item in enumerate(value) if isinstance(item, dict))
