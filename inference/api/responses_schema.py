"""What OpenAPI says of the responses routes. Bodies are decoded by msgspec, so they are described here by hand."""

from __future__ import annotations

from typing import Any

from ninja import Schema

from inference.api.once import once_headers
from inference.api.schemas import OpenAIError

_PAID = (400, 401, 403, 404, 405, 409, 413, 429, 500, 502, 503)
_FREE = (400, 401, 403, 404, 405, 413, 500, 503)


class DeletedResponse(Schema):
    id: str
    object: str
    deleted: bool


class ItemList(Schema):
    object: str
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool


def _answers(success: type[Schema] | None, statuses: tuple[int, ...]) -> dict[int, Any]:
    return {200: success or dict[str, Any], **dict.fromkeys(statuses, OpenAIError)}


_ITEM = {
    "type": "object",
    "properties": {"type": {"type": "string"}, "role": {"type": "string"}, "content": {}},
    "additionalProperties": True,
}
_REQUEST = {
    "type": "object",
    "required": ["input"],
    "properties": {
        "model": {
            "type": "string",
            "description": "A registered model is used as named. Omitted, `asahi` or `asahi/auto`: autopilot.",
        },
        "input": {"anyOf": [{"type": "string"}, {"type": "array", "items": _ITEM}]},
        "instructions": {"type": "string"},
        "previous_response_id": {"type": "string", "description": "Of a response that your organization has here."},
        "store": {"type": "boolean", "default": True, "description": "Keeps the response here, for 30 days."},
        "stream": {"type": "boolean"},
        "background": {"type": "boolean"},
    },
    "additionalProperties": True,
    "description": "Fields that Asahi does not act on are forwarded to the provider, or refused by name.",
}

CREATE: dict[str, Any] = {
    "response": _answers(None, _PAID),
    "openapi_extra": {
        "parameters": [once_headers()],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _REQUEST}}},
    },
}
RETRIEVE: dict[str, Any] = {"response": _answers(None, _FREE)}
CANCEL: dict[str, Any] = {"response": _answers(None, _FREE)}
DELETE: dict[str, Any] = {"response": _answers(DeletedResponse, _FREE)}
INPUT_ITEMS: dict[str, Any] = {"response": _answers(ItemList, _FREE)}
