"""Cohere's chat answers: one object, or typed events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from inference.simulator import tokens
from inference.simulator.answers import Answer, Finish, ToolCall
from inference.simulator.replies import Event

_FINISH = {
    Finish.END: "COMPLETE",
    Finish.STOP: "STOP_SEQUENCE",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOLS: "TOOL_CALL",
}


def usage_of(answer: Answer, *, prompt_tokens: int, cached: int) -> dict[str, Any]:
    units = {"input_tokens": prompt_tokens, "output_tokens": answer.output_tokens}
    return {"billed_units": units, "tokens": units, "cached_tokens": cached}


def whole(answer: Answer, *, call_id: str, usage: dict[str, Any]) -> bytes:
    message: dict[str, Any] = {"role": "assistant"}
    content: list[dict[str, str]] = []
    if answer.thoughts:
        content.append({"type": "thinking", "thinking": tokens.text_of(answer.thoughts)})
    if answer.text:
        content.append({"type": "text", "text": tokens.text_of(answer.text)})
    if content:
        message["content"] = content
    if answer.calls:
        message["tool_plan"] = _plan(answer)
        message["tool_calls"] = [_call(call, call.text) for call in answer.calls]
    body = {"id": call_id, "finish_reason": _FINISH[answer.finish], "message": message, "usage": usage}
    return msgspec.json.encode(body)


def events(answer: Answer, *, call_id: str, usage: dict[str, Any]) -> Iterator[Event]:
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield _event("message-start", {"id": call_id, "delta": {"message": start}})
    index = 0
    for kind, pieces in (("thinking", answer.thoughts), ("text", answer.text)):
        if not pieces:
            continue
        opening = {"content": {"type": kind, kind: ""}}
        yield _event("content-start", {"index": index, "delta": {"message": opening}})
        for piece in pieces:
            more = {"content": {kind: piece.text}}
            yield _event("content-delta", {"index": index, "delta": {"message": more}}, piece.tokens)
        yield _event("content-end", {"index": index})
        index += 1
    if answer.calls:
        yield _event("tool-plan-delta", {"delta": {"message": {"tool_plan": _plan(answer)}}})
    for number, call in enumerate(answer.calls):
        yield from _call_events(number, call)
    yield _event("message-end", {"delta": {"finish_reason": _FINISH[answer.finish], "usage": usage}})
    yield Event(b"data: [DONE]\n\n", 0)


def _call_events(number: int, call: ToolCall) -> Iterator[Event]:
    opening = {"tool_calls": _call(call, "")}
    yield _event("tool-call-start", {"index": number, "delta": {"message": opening}}, tokens.count(call.name))
    for piece in call.arguments:
        more = {"tool_calls": {"function": {"arguments": piece.text}}}
        yield _event("tool-call-delta", {"index": number, "delta": {"message": more}}, piece.tokens)
    yield _event("tool-call-end", {"index": number})


def _plan(answer: Answer) -> str:
    """A plan is written around the call and not counted as output, so that whole and streamed answers cost the same."""
    return f"I will use {' and '.join(call.name for call in answer.calls)} (simulated)."


def _call(call: ToolCall, arguments: str) -> dict[str, Any]:
    return {
        "id": f"{call.name}_{call.id[:12]}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _event(name: str, body: dict[str, Any], count: int = 0) -> Event:
    return Event(b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode({"type": name, **body})), count)
