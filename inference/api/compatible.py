"""The compatible routes: OpenAI's chat completions, embeddings and models, Anthropic's messages."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from governance.auth import HotKeyAuth
from governance.domain import Principal, Scope
from inference import gateway
from inference.api import schemas
from inference.api.controls import AUTOMATIC_MODELS
from inference.api.intake import Arrival, read_call
from inference.api.render import JSON, Refused, WireResponse, render
from inference.domain import Model, Refusal, Wire

router = Router(auth=HotKeyAuth(Scope.INFER))

_encode = msgspec.json.Encoder().encode


def arrival_of(request: HttpRequest) -> Arrival:
    """The request as the lean handler read it."""
    return request.asahi_arrival  # type: ignore[attr-defined,no-any-return]


def principal_of(request: HttpRequest) -> Principal:
    return request.auth  # type: ignore[attr-defined,no-any-return]


async def _serve(request: HttpRequest, wire: Wire) -> HttpResponseBase:
    here = gateway.current()
    principal = principal_of(request)
    call = read_call(arrival_of(request), wire, here.default_mode, principal.org_id)
    if isinstance(call, Refusal):
        raise Refused(call)
    return render(await here.pipeline.answer(principal, call))


@router.post(
    "/v1/chat/completions", tags=["OpenAI-compatible"], summary="Create a chat completion", **schemas.CHAT_COMPLETIONS
)
async def create_chat_completion(request: HttpRequest) -> HttpResponseBase:
    return await _serve(request, Wire.CHAT)


@router.post("/v1/messages", tags=["Anthropic-compatible"], summary="Create a message", **schemas.MESSAGES)
async def create_message(request: HttpRequest) -> HttpResponseBase:
    return await _serve(request, Wire.MESSAGES)


@router.post("/v1/embeddings", tags=["OpenAI-compatible"], summary="Create embeddings", **schemas.EMBEDDINGS)
async def create_embeddings(request: HttpRequest) -> HttpResponseBase:
    return await _serve(request, Wire.EMBEDDINGS)


@router.get("/v1/models", tags=["OpenAI-compatible"], summary="List models", **schemas.MODEL_LIST)
async def list_models(request: HttpRequest) -> HttpResponseBase:
    policy = principal_of(request).policy
    models = [_openai_model(model) for model in gateway.current().registry.models if policy.allows(model.id)]
    automatic = [
        {"id": name, "object": "model", "created": 0, "owned_by": "asahi"} for name in sorted(AUTOMATIC_MODELS)
    ]
    return WireResponse(200, [JSON], _encode({"object": "list", "data": [*automatic, *models]}))


def _openai_model(model: Model) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}
