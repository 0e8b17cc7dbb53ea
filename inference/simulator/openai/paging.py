"""Lists in pages, as OpenAI gives them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import msgspec

from inference.simulator.openai.errors import invalid
from inference.simulator.refusals import Refusal

Json = dict[str, Any]


def page_of(items: list[Json], query: str, *, usual: int, most: int) -> bytes | Refusal:
    """A page of items given oldest first and shown newest first, unless the query wants it otherwise."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    limit = asked.get("limit", str(usual))
    if not limit.isdecimal() or not 1 <= int(limit) <= most:
        return invalid(f"Invalid 'limit': must be between 1 and {most}.", param="limit", code="invalid_value")
    items = list(items) if asked.get("order") == "asc" else list(reversed(items))
    ids = [item["id"] for item in items]
    after = asked.get("after")
    if after is not None and after not in ids:
        return invalid(f"No such object: {after}", param="after")
    rest = items[ids.index(after) + 1 :] if after else items
    shown = rest[: int(limit)]
    page = {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(rest) > len(shown),
    }
    return msgspec.json.encode(page)
