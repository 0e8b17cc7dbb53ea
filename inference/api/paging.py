"""Pages of a list, as OpenAI's API has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from inference.api.render import JSON, WireResponse

_encode = msgspec.json.Encoder().encode


def json_response(body: dict[str, Any], status: int = 200) -> WireResponse:
    return WireResponse(status, [JSON], _encode(body))


def page_response(rows: Sequence[dict[str, Any]], *, has_more: bool) -> WireResponse:
    ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {"first_id": None, "last_id": None}
    return json_response({"object": "list", "data": rows, **ends, "has_more": has_more})
