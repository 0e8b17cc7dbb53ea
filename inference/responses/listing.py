"""The items that a request brought, as pages of a list."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from inference.responses.sealing import Turn
from inference.wire.responses.checks import kind_of

Json = dict[str, Any]

_PREFIXES = {
    "message": "msg", "function_call": "fc", "function_call_output": "fco", "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco", "reasoning": "rs",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Json]
    has_more: bool


def page_of(turn: Turn, *, after: str, limit: int, newest_first: bool) -> Page | None:
    """None when there is no item `after` which it could begin."""
    items = [_listed(item, index, turn.body["id"]) for index, item in enumerate(turn.given)]
    if newest_first:
        items.reverse()
    if after:
        position = next((index for index, item in enumerate(items) if item["id"] == after), None)
        if position is None:
            return None
        items = items[position + 1 :]
    return Page(items[:limit], len(items) > limit)


def _listed(item: Json, index: int, response_id: str) -> Json:
    """With a name, which a caller need not have given it, and a text as a part."""
    kind = kind_of(item)
    listed = {**item, "type": kind}
    if not item.get("id"):
        digest = hashlib.blake2b(f"{response_id} {index}".encode(), digest_size=24).hexdigest()
        listed["id"] = f"{_PREFIXES.get(kind, 'item')}_{digest}"
    if kind == "message" and isinstance(item["content"], str):
        said = item["role"] == "assistant"
        part: Json = {"type": "output_text" if said else "input_text", "text": item["content"]}
        listed["content"] = [{**part, "annotations": []} if said else part]
        listed.setdefault("status", "completed")
    return listed
