"""What OpenAPI says of files."""

from __future__ import annotations

from typing import Any

from ninja import Schema

from inference.api.schemas import OpenAIError
from inference.files.storage import CREATABLE, LONGEST_LIFE, SHORTEST_LIFE

_ERRORS = (400,)


class FileObject(Schema):
    id: str
    object: str
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: str
    status_details: str | None


class FileList(Schema):
    object: str
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedFile(Schema):
    id: str
    object: str
    deleted: bool


def _answers(success: Any, *statuses: int) -> dict[Any, Any]:
    return {200: success, **dict.fromkeys((*_ERRORS, *statuses), OpenAIError)}


_FORM = {
    "type": "object",
    "required": ["file", "purpose"],
    "properties": {
        "file": {"type": "string", "format": "binary", "minLength": 1},
        "purpose": {"enum": sorted(CREATABLE)},
        "expires_after[anchor]": {"enum": ["created_at"]},
        "expires_after[seconds]": {"type": "integer", "minimum": SHORTEST_LIFE, "maximum": LONGEST_LIFE},
    },
}
CREATE: dict[str, Any] = {
    "response": _answers(FileObject),
    "openapi_extra": {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}},
}
LIST: dict[str, Any] = {"response": _answers(FileList)}
FIND: dict[str, Any] = {"response": _answers(FileObject, 404)}
DELETE: dict[str, Any] = {"response": _answers(DeletedFile, 404)}
_CONTENT = {
    "description": "The file, as it is",
    "content": {"application/octet-stream": {"schema": {"type": "string"}}},
}
CONTENT: dict[str, Any] = {
    "response": _answers(None, 404),
    "openapi_extra": {"responses": {200: _CONTENT}},
}
