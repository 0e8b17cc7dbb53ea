"""What OpenAPI says of batches."""

from __future__ import annotations

from typing import Any

from ninja import Schema

from inference.api.once import once_headers
from inference.api.schemas import AnthropicError, OpenAIError
from inference.batches.lines import ENDPOINTS
from inference.files.storage import LONGEST_LIFE, SHORTEST_LIFE

_ERRORS = (400,)


class BatchProblem(Schema):
    code: str
    message: str
    line: int | None
    param: str | None


class BatchProblems(Schema):
    object: str
    data: list[BatchProblem]


class RequestCounts(Schema):
    total: int
    completed: int
    failed: int


class InputDetails(Schema):
    cached_tokens: int


class OutputDetails(Schema):
    reasoning_tokens: int


class BatchUsage(Schema):
    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class BatchObject(Schema):
    id: str
    object: str
    endpoint: str
    model: str | None
    errors: BatchProblems | None
    input_file_id: str
    completion_window: str
    status: str
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int | None
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    usage: BatchUsage
    metadata: dict[str, str] | None


class BatchList(Schema):
    object: str
    data: list[BatchObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


def _answers(success: Any, *statuses: int) -> dict[int, Any]:
    return {200: success, **dict.fromkeys((*_ERRORS, *statuses), OpenAIError)}


def _asked(schema: dict[str, Any]) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": body, "parameters": [once_headers()]}


_CREATE = {
    "type": "object",
    "required": ["input_file_id", "endpoint", "completion_window"],
    "additionalProperties": False,
    "properties": {
        "input_file_id": {"type": "string", "description": "A file uploaded with the purpose `batch`."},
        "endpoint": {"enum": list(ENDPOINTS)},
        "completion_window": {"enum": ["24h"]},
        "metadata": {
            "type": ["object", "null"],
            "maxProperties": 16,
            "propertyNames": {"maxLength": 64},
            "additionalProperties": {"type": "string", "maxLength": 512},
        },
        "output_expires_after": {
            "type": ["object", "null"],
            "required": ["anchor", "seconds"],
            "additionalProperties": False,
            "properties": {
                "anchor": {"enum": ["created_at"]},
                "seconds": {"type": "integer", "minimum": SHORTEST_LIFE, "maximum": LONGEST_LIFE},
            },
        },
    },
}
CREATE: dict[str, Any] = {
    "response": _answers(BatchObject),
    "openapi_extra": _asked(_CREATE),
}
LIST: dict[str, Any] = {"response": _answers(BatchList)}
FIND: dict[str, Any] = {"response": _answers(BatchObject, 404)}
CANCEL: dict[str, Any] = {"response": _answers(BatchObject, 404, 409)}


class MessageCounts(Schema):
    processing: int
    succeeded: int
    errored: int
    canceled: int
    expired: int


class MessageBatchObject(Schema):
    id: str
    type: str
    processing_status: str
    request_counts: MessageCounts
    created_at: str
    expires_at: str
    ended_at: str | None
    cancel_initiated_at: str | None
    archived_at: str | None
    results_url: str | None


class MessageBatchList(Schema):
    data: list[MessageBatchObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedMessageBatch(Schema):
    id: str
    type: str


def _messages(success: Any, *statuses: int) -> dict[int, Any]:
    return {200: success, **dict.fromkeys((*_ERRORS, *statuses), AnthropicError)}


_REQUEST = {
    "type": "object",
    "required": ["custom_id", "params"],
    "additionalProperties": False,
    "properties": {
        "custom_id": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"},
        "params": {"type": "object", "description": "The body of a message, as `/v1/messages` takes it."},
    },
}
_CREATE_MESSAGES = {
    "type": "object",
    "required": ["requests"],
    "additionalProperties": False,
    "properties": {"requests": {"type": "array", "minItems": 1, "items": _REQUEST}},
}
CREATE_MESSAGES: dict[str, Any] = {
    "response": _messages(MessageBatchObject),
    "openapi_extra": _asked(_CREATE_MESSAGES),
}
LIST_MESSAGES: dict[str, Any] = {"response": _messages(MessageBatchList)}
FIND_MESSAGES: dict[str, Any] = {"response": _messages(MessageBatchObject, 404)}
END_MESSAGES: dict[str, Any] = {"response": _messages(MessageBatchObject, 404, 409)}
DELETE_MESSAGES: dict[str, Any] = {"response": _messages(DeletedMessageBatch, 404)}
_RESULTS = {
    "description": "A line for each request",
    "content": {"application/x-jsonl": {"schema": {"type": "string"}}},
}
MESSAGES_RESULTS: dict[str, Any] = {
    "response": _messages(None, 404),
    "openapi_extra": {"responses": {200: _RESULTS}},
}
