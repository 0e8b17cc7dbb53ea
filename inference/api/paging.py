"""Pages of a list, as the compatible APIs have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from inference.api.render import JSON, WireResponse

_encode = msgspec.json.Encoder().encode


def name_in(text: str) -> str:
    """An id or a word out of a URL. What a database cannot hold names nothing there."""
    return "" if "\x00" in text else text


def json_response(body: dict[str, Any], status: int = 200) -> WireResponse:
    return WireResponse(status, [JSON], _encode(body))


def page_response(rows: Sequence[dict[str, Any]], *, has_more: bool) -> WireResponse:
    return json_response({"object": "list", "data": rows, **_ends(rows), "has_more": has_more})


def page_of_messages(rows: Sequence[dict[str, Any]], *, has_more: bool) -> WireResponse:
    """The same as Anthropic's API has it."""
    return json_response({"data": rows, **_ends(rows), "has_more": has_more})


def _ends(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"first_id": rows[0]["id"] if rows else None, "last_id": rows[-1]["id"] if rows else None}
