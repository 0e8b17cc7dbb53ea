"""A chat completion as a response, and what both of its forms, whole and streamed, are made of."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from inference.wire.decoding import INVALID
from inference.wire.translate.refusal import Untranslatable, UntranslatableError, refuse_answer
from inference.wire.translate.responses_tools import custom_input, custom_names
from inference.wire.usage import ChatUsage

Json = dict[str, Any]

_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons of an answer that is not whole."""

_ECHOED: Final[Mapping[str, Any]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "service_tier": "default",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
"""What a response says again of its request, with what holds when the request does not say."""


def new_item_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(24)}"


def head_of(request: Mapping[str, Any], *, created: int, model: str) -> Json:
    """What is said of a response before it is finished. Its id is given to it by whoever keeps it."""
    echoed = {name: default if (said := request.get(name)) is None else said for name, default in _ECHOED.items()}
    reasoning = request.get("reasoning") or {}
    return {
        "id": f"resp_{secrets.token_hex(24)}",
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "usage": None,
        **echoed,
    }


def finished(head: Json, output: list[Json], *, finish_reason: str | None, usage: Json | None) -> Json:
    """The response as it ended."""
    cut = _INCOMPLETE.get(str(finish_reason))
    ending = {
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": cut} if cut else None,
        "output": output,
        "usage": usage_to_responses(usage),
    }
    return head | ending


def message_item(item_id: str, parts: list[Json], status: str = "completed") -> Json:
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": parts}


def text_part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_part(text: str) -> Json:
    return {"type": "refusal", "refusal": text}


def call_item(item_id: str, call_id: str, name: str, arguments: str, status: str = "completed") -> Json:
    """A model that calls a function without arguments may write none; a caller parses what it gets."""
    call = {"call_id": call_id, "name": name, "arguments": arguments or "{}"}
    return {"id": item_id, "type": "function_call", "status": status, **call}


def custom_call_item(item_id: str, call_id: str, name: str, arguments: str) -> Json:
    call = {"call_id": call_id, "name": name, "input": custom_input(arguments)}
    return {"id": item_id, "type": "custom_tool_call", "status": "completed", **call}


def usage_to_responses(usage: Json | None) -> Json | None:
    """Chat's usage in the words of a response; None when it cannot be true."""
    try:
        used = msgspec.convert(usage, ChatUsage).to_usage()
    except msgspec.ValidationError:
        return None
    if used is None:
        return None
    return {
        "input_tokens": used.input_tokens,
        "input_tokens_details": {
            "cached_tokens": used.cached_input_tokens,
            "cache_write_tokens": used.cache_write_tokens,
        },
        "output_tokens": used.output_tokens,
        "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "total_tokens": used.input_tokens + used.output_tokens,
    }


def answer_to_responses(body: bytes, request: Mapping[str, Any], *, created: int) -> bytes | Untranslatable:
    """A chat completion of one choice as a response to `request`. Reasoning stays out: its provider sealed none."""
    try:
        return msgspec.json.encode(_to_response(msgspec.json.decode(body), request, created))
    except UntranslatableError as error:
        return error.refusal
    except (*INVALID, TypeError, AttributeError):
        return Untranslatable("answer", "The provider's answer is not valid.")


def _to_response(answer: Json, request: Mapping[str, Any], created: int) -> Json:
    match answer.get("choices"):
        case [{"message": dict(message)} as choice]:
            pass
        case _:
            refuse_answer("choices", "there is not exactly one")
    custom = custom_names(request)
    reason = choice.get("finish_reason")
    status = "incomplete" if reason in _INCOMPLETE else "completed"
    calls = [_call(call, index, custom, status) for index, call in enumerate(message.get("tool_calls") or ())]
    parts = [text_part(message["content"])] if message.get("content") else []
    parts += [refusal_part(message["refusal"])] if message.get("refusal") else []
    if not parts and not calls:
        parts = [text_part("")]
    output = [message_item(new_item_id("msg"), parts, status)] if parts else []
    head = head_of(request, created=created, model=str(answer.get("model") or ""))
    return finished(head, [*output, *calls], finish_reason=reason, usage=answer.get("usage"))


def _call(call: Json, index: int, custom: Any, status: str) -> Json:
    match call:
        case {"id": str(call_id), "function": {"name": str(name), "arguments": str(arguments)}}:
            if name in custom:
                return custom_call_item(new_item_id("ctc"), call_id, name, arguments)
            return call_item(new_item_id("fc"), call_id, name, arguments, status)
    return refuse_answer(f"tool_calls[{index}]", "it is not a call of a function")
