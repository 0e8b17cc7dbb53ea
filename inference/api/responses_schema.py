"""What OpenAPI says of the responses routes. Bodies are decoded by msgspec, so they are described here by hand."""

from __future__ import annotations

from typing import Any

from ninja import Schema

from inference.api import bodies
from inference.api.header_schemas import REQUEST_ID
from inference.api.schemas import RESPONSE_ANSWER, OpenAIError, described_answer, paid

_REFUSALS = (400, 404)


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


def _answers(success: type[Schema] | None) -> dict[int, Any]:
    return {200: success, **dict.fromkeys(_REFUSALS, OpenAIError)}


_STREAMS = "OpenAI's events of a response, from `response.created` to the one that ends it."
_RESPONSE = described_answer(RESPONSE_ANSWER, streams=_STREAMS, headers=REQUEST_ID)

CREATE = paid(_RESPONSE, OpenAIError, bodies.RESPONSES)
RETRIEVE: dict[str, Any] = {"response": _answers(None), "openapi_extra": {"responses": {200: _RESPONSE}}}
CANCEL: dict[str, Any] = {
    "response": _answers(None),
    "openapi_extra": {"responses": {200: described_answer(RESPONSE_ANSWER, headers=REQUEST_ID)}},
}
DELETE: dict[str, Any] = {"response": _answers(DeletedResponse)}
INPUT_ITEMS: dict[str, Any] = {"response": _answers(ItemList)}
