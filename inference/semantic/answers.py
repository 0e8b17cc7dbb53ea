"""What T2 may keep of an answer, and whether two answers say the same: the labels it learns from, for nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from caching.domain import Embedder
from caching.guards import align, find_veto, read
from inference.domain import Wire
from inference.wire.decoding import INVALID
from inference.wire.format import format_of

_SAME, _ANOTHER = 0.86, 0.70
"""Similarities of answers. Between them nothing is concluded."""
_COMPARED = 1_500
"""Characters: an embedding of more says little about each of them."""

_decode = msgspec.json.Decoder().decode


def servable_text(wire: Wire, body: bytes) -> str:
    """The text of an answer that came to its end and is nothing but text; empty for any other, which is not kept."""
    try:
        whole = _decode(body)
    except INVALID:
        return ""
    return format_of(wire).answer_text(body) if isinstance(whole, dict) and _finished(wire, whole) else ""


def _finished(wire: Wire, whole: dict[str, Any]) -> bool:
    if wire is Wire.MESSAGES:
        blocks = _objects(whole, "content")
        return (
            bool(blocks)
            and whole.get("stop_reason") in ("end_turn", "stop_sequence")
            and all(block.get("type") in ("text", "thinking", "redacted_thinking") for block in blocks)
        )
    if wire is Wire.RESPONSES:
        items = _objects(whole, "output")
        return (
            bool(items)
            and whole.get("status") == "completed"
            and all(item.get("type") in ("message", "reasoning") for item in items)
        )
    choices = _objects(whole, "choices")
    return len(choices) == 1 and choices[0].get("finish_reason") == "stop" and not _calls(choices[0].get("message"))


def _objects(whole: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Empty when one of them is none: nobody's client could read such an answer."""
    objects = whole.get(name)
    return objects if isinstance(objects, list) and all(isinstance(each, dict) for each in objects) else []


def _calls(message: Any) -> bool:
    return not isinstance(message, dict) or bool(
        message.get("tool_calls") or message.get("function_call") or message.get("refusal") or message.get("audio")
    )


def _contradict(one: str, other: str) -> bool:
    return find_veto(align(read(one), read(other))) is not None


async def say_the_same(embedder: Embedder, one: str, other: str) -> bool | None:
    """Whether both answers would serve; None when that cannot be told."""
    if " ".join(one.split()) == " ".join(other.split()):
        return True
    if await asyncio.to_thread(_contradict, one[:_COMPARED], other[:_COMPARED]):
        return False
    first, second = await embedder.embed([one[:_COMPARED], other[:_COMPARED]])
    similarity = float(first @ second)
    if similarity >= _SAME:
        return True
    return False if similarity < _ANOTHER else None
