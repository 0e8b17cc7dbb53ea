"""A whole chat answer as the stream that the provider would have sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from inference.wire.pieces import pieces_of
from inference.wire.sse import DONE, event_of

_encode = msgspec.json.Encoder().encode

_GROWING: Final = ("reasoning_content", "reasoning", "content", "refusal")
_OF_THE_WHOLE: Final = frozenset({"object", "choices", "usage"})
_ON_EVERY_CHUNK: Final = frozenset({"id", "created", "model", "service_tier", "system_fingerprint"})
_OF_THE_CHOICE: Final = frozenset({"index", "message", "logprobs", "finish_reason"})


def replay(body: bytes, *, include_usage: bool) -> Iterator[bytes]:
    """The events of a cached answer in the provider's order: role, text, tool calls, finish reason, usage, `[DONE]`."""
    answer: dict[str, Any] = msgspec.json.decode(body)
    head = {"object": "chat.completion.chunk"} | {k: v for k, v in answer.items() if k in _ON_EVERY_CHUNK}
    tail = {"usage": None} if include_usage else {}
    extras = {k: v for k, v in answer.items() if k not in _ON_EVERY_CHUNK and k not in _OF_THE_WHOLE and v is not None}
    for choice in answer["choices"]:
        for delta in _deltas(choice):
            yield event_of(_encode({**head, "choices": [delta], **tail}))
        yield event_of(_encode({**head, "choices": [_ending(choice)], **tail, **extras}))
    if include_usage and answer.get("usage") is not None:
        yield event_of(_encode({**head, "choices": [], "usage": answer["usage"]}))
    yield DONE


def _ending(choice: dict[str, Any]) -> dict[str, Any]:
    """The chunk that ends a choice; what is said of the choice as a whole is said here."""
    extras = {name: value for name, value in choice.items() if name not in _OF_THE_CHOICE}
    ending = {"index": choice["index"], "delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}
    return ending | extras


def _deltas(choice: dict[str, Any]) -> Iterator[dict[str, Any]]:
    index, message = choice["index"], choice["message"]
    yield _delta(index, _opening(message))
    if logprobs := choice.get("logprobs"):
        # Log probabilities belong to the tokens of their chunk, so the text stays in one piece.
        yield _delta(index, {name: message[name] for name in _GROWING if message.get(name)}, logprobs)
    else:
        for name in _GROWING:
            for piece in pieces_of(message.get(name) or ""):
                yield _delta(index, {name: piece})
    for position, call in enumerate(message.get("tool_calls") or ()):
        for part in _call_deltas(call):
            yield _delta(index, {"tool_calls": [{"index": position, **part}]})


def _delta(index: int, delta: dict[str, Any], logprobs: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}


def _opening(message: dict[str, Any]) -> dict[str, Any]:
    """The role, what is null or empty from the start, and what never comes in pieces."""
    opening: dict[str, Any] = {"role": message.get("role", "assistant")}
    for name, value in message.items():
        if name == "tool_calls":
            continue
        if name in _GROWING:
            opening[name] = None if value is None else ""
        elif value is not None and value != []:
            opening[name] = value
    return opening


def _call_deltas(call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inner_name, growing = ("custom", "input") if "custom" in call else ("function", "arguments")
    inner = call[inner_name]
    yield {**call, inner_name: {**inner, growing: ""}}
    for piece in pieces_of(inner[growing]):
        yield {inner_name: {growing: piece}}
