"""Whole answers and errors, between the wires."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from inference.wire.decoding import INVALID
from inference.wire.translate.answer_ids import COMPLETION, MESSAGE, answer_id
from inference.wire.translate.endings import (
    FINISH_REASONS,
    STOP_REASONS,
    service_to_chat,
    text,
    usage_to_chat,
    usage_to_messages,
)
from inference.wire.translate.refusal import Untranslatable, UntranslatableError, refuse_answer

_THINKING = ("thinking", "redacted_thinking")
UNSAYABLE_PARTS = ("audio", "function_call")
"""What a chat answer may hold that no message can, and that no translated request asks for."""


def answer_to_chat(body: bytes, *, created: int) -> bytes | Untranslatable:
    """A message as a chat completion of one choice. `created` is in seconds since the epoch: messages have no time.

    Thinking stays out: OpenAI does not show reasoning either, and counts it.
    """
    return _translated(body, lambda answer: _to_chat(answer, created))


def answer_to_messages(body: bytes) -> bytes | Untranslatable:
    """A chat completion of one choice as a message."""
    return _translated(body, _to_messages)


def _translated(body: bytes, translate: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes | Untranslatable:
    try:
        return msgspec.json.encode(translate(msgspec.json.decode(body)))
    except UntranslatableError as error:
        return error.refusal
    except (*INVALID, TypeError, AttributeError):
        return Untranslatable("answer", "The provider's answer is not valid.")


def _to_chat(answer: dict[str, Any], created: int) -> dict[str, Any]:
    texts: list[str] = []
    if not isinstance(answer.get("content"), list):
        refuse_answer("content", "there is none")
    calls: list[dict[str, Any]] = []
    for index, block in enumerate(answer["content"]):
        match block:
            case {"type": "text", "text": str(written)}:
                texts.append(written)
            case {"type": "tool_use", "id": str(call_id), "name": str(name), "input": dict(given)}:
                function = {"name": name, "arguments": msgspec.json.encode(given).decode()}
                calls.append({"id": call_id, "type": "function", "function": function})
            case {"type": kind} if kind in _THINKING:
                pass
            case _:
                refuse_answer(f"content[{index}].type", "it is of a kind that the caller's wire does not have")
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    reason = FINISH_REASONS.get(text(answer.get("stop_reason")), "stop")
    return {
        "id": answer_id(text(answer.get("id", "")), COMPLETION),
        "object": "chat.completion",
        "created": created,
        "model": text(answer.get("model", "")),
        **service_to_chat(answer.get("usage")),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": usage_to_chat(answer.get("usage")),
    }


def _to_messages(answer: dict[str, Any]) -> dict[str, Any]:
    match answer.get("choices"):
        case [{"message": dict(message)} as choice]:
            pass
        case _:
            refuse_answer("choices", "there is not exactly one")
    for name in UNSAYABLE_PARTS:
        if message.get(name):
            refuse_answer(f"message.{name}", "the caller's wire has nothing like it")
    said = "".join(part for name in ("content", "refusal") if (part := message.get(name)))
    calls = [_tool_use(call, index) for index, call in enumerate(message.get("tool_calls") or ())]
    reason = STOP_REASONS.get(text(choice.get("finish_reason")), "end_turn")
    return {
        "id": answer_id(text(answer.get("id", "")), MESSAGE),
        "type": "message",
        "role": "assistant",
        "model": text(answer.get("model", "")),
        "content": [*([{"type": "text", "text": said}] if said else ()), *calls],
        "stop_reason": "refusal" if message.get("refusal") else reason,
        "stop_sequence": None,
        "usage": usage_to_messages(answer.get("usage"), answer.get("service_tier")),
    }


def _tool_use(call: dict[str, Any], index: int) -> dict[str, Any]:
    """A model may write arguments that are no JSON; that wire can only carry an object."""
    match call:
        case {"id": str(call_id), "function": {"name": str(name), "arguments": str(written)}}:
            given = read_arguments(written)
        case _:
            refuse_answer(f"tool_calls[{index}]", "it is not a call of a function")
    if given is None:
        refuse_answer(f"tool_calls[{index}].function.arguments", "it is not a JSON object")
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def read_arguments(written: str) -> dict[str, Any] | None:
    try:
        given = msgspec.json.decode(written) if written.strip() else {}
    except INVALID:
        return None
    return given if isinstance(given, dict) else None
