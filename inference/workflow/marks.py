"""Telling a provider where the beginning of a prompt ends that is worth caching. Nothing a model reads changes.

Anthropic caches what ends in a mark and nothing else. OpenAI's models that charge for writing cache up to the end of
the prompt and up to each mark; all of OpenAI's find what they cached sooner by a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.domain import Call, Cut, Model, PrefixMarks, Wire
from inference.wire.fields import CACHE_MARKS

_MARKS: Mapping[Wire, dict[str, Any]] = {
    Wire.CHAT: {"prompt_cache_breakpoint": {"mode": "explicit"}},
    Wire.MESSAGES: {"cache_control": {"type": "ephemeral"}},
}
_MARKABLE = frozenset({"text", "image", "image_url", "document", "file", "tool_result"})
_MARKABLE_ROLES = {
    Wire.CHAT: frozenset({"system", "developer", "user"}),
    Wire.MESSAGES: frozenset({"system", "user", "assistant"}),
}
_CACHING_FIELDS = ("cache_control", "prompt_cache_options")


def marked_body(call: Call, model: Model, marks: PrefixMarks | None) -> dict[str, Any]:
    """The request with the marks that were decided for this model."""
    cuts = () if marks is None else marks.cuts.get(model.id, ())
    body = call.body
    for cut in cuts:
        body = _with_mark(body, call.wire, cut)
    return body


def keyed_body(body: dict[str, Any], model: Model, marks: PrefixMarks | None) -> dict[str, Any]:
    """A request on its way to OpenAI with the key of what it begins with, unless the caller gave one."""
    if marks is None or not marks.key or model.provider != "openai" or "prompt_cache_key" in body:
        return body
    return {**body, "prompt_cache_key": marks.key}


def may_be_marked(call: Call, cut: Cut) -> bool:
    """Whether a mark can stand there."""
    return _with_mark(call.body, call.wire, cut) is not call.body


def marked_by_caller(body: Mapping[str, Any]) -> bool:
    """Whether the caller places marks of its own: then all of them are."""
    if any(body.get(name) for name in _CACHING_FIELDS):
        return True
    turns = body.get("messages") or body.get("input") or ()
    contents = [turn.get("content") for turn in turns if isinstance(turn, dict)]
    return any(_is_marked(held) for held in (body.get("system"), body.get("tools"), *contents))


def _is_marked(held: Any) -> bool:
    return isinstance(held, list) and any(
        isinstance(part, dict) and any(part.get(mark) for mark in CACHE_MARKS) for part in held
    )


def _with_mark(body: dict[str, Any], wire: Wire, cut: Cut) -> dict[str, Any]:
    """The body itself when no mark can stand there."""
    mark = _MARKS.get(wire)
    if mark is None:
        return body
    if cut.turn < 0:
        content = _marked(body.get("system"), cut.at, mark)
        return body if content is None else {**body, "system": content}
    turns = body["messages"]
    turn = turns[cut.turn]
    content = _marked(turn.get("content"), cut.at, mark) if turn.get("role") in _MARKABLE_ROLES[wire] else None
    if content is None:
        return body
    return {**body, "messages": [*turns[: cut.turn], {**turn, "content": content}, *turns[cut.turn + 1 :]]}


def _marked(content: Any, at: int, mark: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The content as parts, with the mark on the last, or before the character `at` of a text."""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) and content else content
    if not isinstance(parts, list) or not parts or parts[-1].get("type") not in _MARKABLE:
        return None
    if not at:
        return [*parts[:-1], {**parts[-1], **mark}]
    if len(parts) > 1 or parts[0]["type"] != "text":
        return None
    text = parts[0]["text"]
    return [{**parts[0], "text": text[:at], **mark}, {**parts[0], "text": text[at:]}]
