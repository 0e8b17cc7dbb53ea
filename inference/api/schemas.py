"""What OpenAPI says of the hot routes. Their bodies are decoded by msgspec, so they are described here by hand."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Schema

from inference.api import bodies
from inference.api.header_schemas import PARAMETERS, REPORT
from inference.api.native_schema import InferAnswer, InferRequest


class ErrorDetail(Schema):
    message: str
    type: str
    param: str | None = None
    code: str | None = None
    request_id: str | None = None


class OpenAIError(Schema):
    error: ErrorDetail


class AnthropicErrorDetail(Schema):
    type: str
    message: str
    details: dict[str, Any] | None = None


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
    shutdown_date: str | None = None


class AnthropicModel(Schema):
    """For a client that says its `anthropic-version`."""

    type: str
    id: str
    display_name: str
    created_at: str
    lifecycle: Literal["active", "deprecated"]
    line: str | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None
    capabilities: None = None
    deprecated_at: None = None
    retires_at: str | None = None


class AnthropicModelList(Schema):
    data: list[AnthropicModel]
    has_more: bool
    first_id: str | None
    last_id: str | None


class ModelPrices(Schema):
    input: float
    cached_input: float
    cache_write: float
    output: float


class NativeModel(Schema):
    id: str
    provider: str
    available: bool
    price_usd_per_million_tokens: ModelPrices
    quality: dict[str, float]
    latency_ms: int
    context_tokens: int
    max_output_tokens: int
    capabilities: list[str]


class NativeModelList(Schema):
    models: list[NativeModel]
    price_version: str


class TokenCount(Schema):
    input_tokens: int


class ModelListAnswer(Schema):
    object: str
    data: list[ModelObject]


Json = dict[str, Any]

PAID_REFUSALS = (400, 404, 409, 413, 422, 429)
"""What a call that costs money may be refused with, beside what any route may. The provider's own refusals too."""


def _answers(success: Any, error: type[Schema], *refusals: int) -> dict[Any, Any]:
    return {200: success, **dict.fromkeys(refusals, error)}


def described_answer(schema: Json, *, streams: str = "", headers: Json = REPORT) -> Json:
    """A 200 that no pydantic model describes. `streams` says what its events are, where there are any."""
    content: Json = {"application/json": {"schema": schema}}
    if streams:
        content["text/event-stream"] = {"schema": {"description": streams}}
    return {"description": "OK", "headers": headers, "content": content}


def paid(answer: Json, error: type[Schema], body: Json) -> Json:
    """A route that is answered by a model: ninja's arguments."""
    return {
        "response": _answers(None, error, *PAID_REFUSALS),
        "openapi_extra": {"parameters": PARAMETERS, "responses": {200: answer, "4XX": {}}, **body},
    }


def _object(required: Json, **optional: Json) -> Json:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": True,
    }


_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_OBJECTS: Json = {"type": "array", "items": {"type": "object"}}
_CHAT_ANSWER = _object(
    {
        "id": _TEXT,
        "object": {"const": "chat.completion"},
        "created": _COUNT,
        "model": _TEXT,
        "choices": {
            "type": "array",
            "items": _object(
                {"index": _COUNT, "message": {"type": "object"}}, finish_reason={"type": ["string", "null"]}
            ),
        },
    },
    usage=_object({"prompt_tokens": _COUNT, "completion_tokens": _COUNT, "total_tokens": _COUNT}),
)
_MESSAGE_ANSWER = _object(
    {
        "id": _TEXT,
        "type": {"const": "message"},
        "role": {"const": "assistant"},
        "model": _TEXT,
        "content": _OBJECTS,
        "stop_reason": {"type": ["string", "null"]},
        "usage": _object({"input_tokens": _COUNT, "output_tokens": _COUNT}),
    }
)
_EMBEDDINGS_ANSWER = _object(
    {
        "object": {"const": "list"},
        "model": _TEXT,
        "data": {
            "type": "array",
            "items": _object(
                {"object": {"const": "embedding"}, "index": _COUNT, "embedding": {"type": ["array", "string"]}}
            ),
        },
        "usage": _object({"prompt_tokens": _COUNT, "total_tokens": _COUNT}),
    }
)
RESPONSE_ANSWER = _object(
    {"id": _TEXT, "object": {"const": "response"}, "status": _TEXT, "model": _TEXT, "output": _OBJECTS}
)
_TEXTS: Json = {"type": "string", "minLength": 1}
_TOKENS: Json = {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}}
_EMBEDDINGS: Json = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "model": {"type": "string", "description": "A registered embedding model; none is chosen for you."},
        "input": {
            "description": "A text, several texts, or the same as token numbers.",
            "anyOf": [
                _TEXTS,
                {"type": "array", "minItems": 1, "maxItems": 2048, "items": _TEXTS},
                _TOKENS,
                {"type": "array", "minItems": 1, "maxItems": 2048, "items": _TOKENS},
            ],
        },
        "dimensions": {"type": "integer", "minimum": 1},
        "encoding_format": {"enum": ["float", "base64"]},
        "user": {"type": "string"},
    },
    "additionalProperties": True,
    "description": "Fields that are not named here are sent on to the provider unchanged.",
}

CHAT_COMPLETIONS = paid(
    described_answer(_CHAT_ANSWER, streams="`chat.completion.chunk` events, then `[DONE]`."), OpenAIError, bodies.CHAT
)
MESSAGES = paid(
    described_answer(_MESSAGE_ANSWER, streams="Anthropic's events, from `message_start` to `message_stop`."),
    AnthropicError,
    bodies.MESSAGES,
)
EMBEDDINGS = paid(
    described_answer(_EMBEDDINGS_ANSWER),
    OpenAIError,
    bodies.content(
        _EMBEDDINGS,
        a_text={"model": "text-embedding-3-small", "input": "What does a gateway do?"},
        several_texts={"model": "text-embedding-3-small", "input": ["one", "two"], "encoding_format": "base64"},
    ),
)
INFER = paid(
    {
        "headers": REPORT,
        "content": {"text/event-stream": {"schema": {"description": "`delta` events, then one `result` or `error`."}}},
    },
    NativeError,
    bodies.content(
        InferRequest.json_schema(),
        autopilot={"prompt": "What does a gateway do?"},
        guided={"prompt": "What does a gateway do?", "quality_preference": "high", "latency_preference": "normal"},
        a_model_by_name={"prompt": "What does a gateway do?", "model_override": "gpt-6-luna", "max_tokens": 64},
        about_a_document={"prompt": "Who signed?", "document": "Signed: A. Mori.", "document_id": "contract-1"},
    ),
)
INFER["response"][200] = InferAnswer
INFER["openapi_extra"]["parameters"] = [once for once in PARAMETERS if once["name"] == "Idempotency-Key"]

_REAL_COUNT = {
    "x-asahi-token-count": {
        "required": False,
        "schema": {"const": "estimated"},
        "description": "The model's provider counts no tokens; this is our own count.",
    }
}
COUNT_TOKENS: Json = {
    "response": _answers(TokenCount, AnthropicError, 400, 404, 422),
    "openapi_extra": {"responses": {200: {"headers": _REAL_COUNT}, "4XX": {}}, **bodies.COUNT_TOKENS},
}
MODEL_LIST: Json = {"response": {200: ModelListAnswer | AnthropicModelList}}
MODEL: Json = {"response": _answers(ModelObject | AnthropicModel, OpenAIError, 404)}
MODELS: Json = {"response": {200: NativeModelList}}
