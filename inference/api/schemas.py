"""What OpenAPI says of the hot routes. Their bodies are decoded by msgspec, so they are described here by hand."""

from __future__ import annotations

from typing import Any

from ninja import Schema

from inference.api.native_schema import InferAnswer, InferRequest

_FORWARDED = "Fields that Asahi does not act on are forwarded to the provider unchanged."


class ErrorDetail(Schema):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class OpenAIError(Schema):
    error: ErrorDetail


class AnthropicErrorDetail(Schema):
    type: str
    message: str


class AnthropicError(Schema):
    type: str
    error: AnthropicErrorDetail
    request_id: str | None = None


class NativeErrorDetail(Schema):
    type: str
    message: str
    request_id: str
    details: dict[str, Any]


class NativeError(Schema):
    error: NativeErrorDetail


class ModelObject(Schema):
    id: str
    object: str
    created: int
    owned_by: str


class TokenCount(Schema):
    input_tokens: int


class ModelListAnswer(Schema):
    object: str
    data: list[ModelObject]


def _responses(success: type[Schema] | None, error: type[Schema], statuses: tuple[int, ...]) -> dict[int, Any]:
    return {200: success or dict[str, Any], **dict.fromkeys(statuses, error)}


_PAID = (400, 401, 403, 404, 405, 413, 429, 500, 502, 503)
_FREE = (401, 403, 405, 413, 500, 503)


def _json_body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_MESSAGE = {
    "type": "object",
    "required": ["role"],
    "properties": {"role": {"type": "string"}, "content": {}},
    "additionalProperties": True,
}
_CONVERSATION: dict[str, Any] = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "model": {
            "type": "string",
            "description": "A registered model is used as named. Omitted, `asahi` or `asahi/auto`: autopilot.",
        },
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "stream": {"type": "boolean"},
    },
    "additionalProperties": True,
    "description": _FORWARDED,
}

CHAT_COMPLETIONS: dict[str, Any] = {
    "response": _responses(None, OpenAIError, _PAID),
    "openapi_extra": _json_body(_CONVERSATION),
}
MESSAGES: dict[str, Any] = {
    "response": _responses(None, AnthropicError, _PAID),
    "openapi_extra": _json_body(
        {
            **_CONVERSATION,
            "required": ["messages", "max_tokens"],
            "properties": {**_CONVERSATION["properties"], "max_tokens": {"type": "integer", "minimum": 1}},
        }
    ),
}
EMBEDDINGS: dict[str, Any] = {
    "response": _responses(None, OpenAIError, _PAID),
    "openapi_extra": _json_body(
        {
            "type": "object",
            "required": ["model", "input"],
            "properties": {
                "model": {"type": "string", "description": "A registered embedding model; none is chosen for you."},
                "input": {
                    "description": "A text, several texts, or the same as token numbers.",
                    "anyOf": [
                        {"type": "string", "minLength": 1},
                        {"type": "array", "minItems": 1, "maxItems": 2048, "items": {"type": "string", "minLength": 1}},
                        {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}},
                        {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 2048,
                            "items": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}},
                        },
                    ],
                },
                "dimensions": {"type": "integer", "minimum": 1},
                "encoding_format": {"enum": ["float", "base64"]},
                "user": {"type": "string"},
            },
            "additionalProperties": True,
            "description": _FORWARDED,
        }
    ),
}
COUNT_TOKENS: dict[str, Any] = {
    "response": _responses(TokenCount, AnthropicError, _PAID),
    "openapi_extra": _json_body(_CONVERSATION),
}
MODEL_LIST: dict[str, Any] = {"response": _responses(ModelListAnswer, OpenAIError, _FREE)}
MODEL: dict[str, Any] = {"response": _responses(ModelObject, OpenAIError, (*_FREE, 404))}
INFER: dict[str, Any] = {
    "response": _responses(InferAnswer, NativeError, (400, 401, 403, 405, 413, 422, 429, 500, 502, 503)),
    "openapi_extra": _json_body(InferRequest.json_schema()),
}
MODELS: dict[str, Any] = {"response": _responses(None, NativeError, _FREE)}
