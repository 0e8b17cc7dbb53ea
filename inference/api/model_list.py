"""`/v1/models`, in OpenAI's shape, or in Anthropic's for a client that says which version of its API it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from governance.auth import HotKeyAuth
from governance.domain import Scope
from inference import gateway
from inference.api import schemas
from inference.api.compatible import arrival_of, principal_of
from inference.api.controls import AUTOMATIC_MODELS
from inference.api.render import JSON, Refused, WireResponse
from inference.domain import Refusal, RefusalKind

router = Router(auth=HotKeyAuth(Scope.INFER), tags=["OpenAI-compatible"])

_encode = msgspec.json.Encoder().encode
_UNDATED = "1970-01-01T00:00:00Z"
"""Providers say when they made a model; we do not know, and the field is required."""


@router.get("/v1/models", summary="List models", **schemas.MODEL_LIST)
async def list_models(request: HttpRequest) -> HttpResponseBase:
    return _json(_listed(_visible(request)) if not _for_anthropic(request) else _anthropic_listed(_visible(request)))


@router.get("/v1/models/{path:model_id}", summary="Describe one model", **schemas.MODEL)
async def describe_model(request: HttpRequest, model_id: str) -> HttpResponseBase:
    """By any name that a call may use; the answer says it by its id."""
    model = gateway.current().registry.find(model_id)
    wanted = model.id if model is not None else model_id
    for name, owner in _visible(request):
        if name == wanted:
            return _json(_anthropic_model(name) if _for_anthropic(request) else _model(name, owner))
    message = f"The model '{model_id[:100]}' does not exist."
    raise Refused(Refusal(RefusalKind.UNKNOWN_MODEL, message, details={"param": "model"}))


def _visible(request: HttpRequest) -> list[tuple[str, str]]:
    """Name and owner of each model the caller may use, the automatic choice first."""
    policy = principal_of(request).policy
    registered = [(m.id, m.provider) for m in gateway.current().registry.models if policy.allows(m.id)]
    return [*((name, "asahi") for name in sorted(AUTOMATIC_MODELS)), *registered]


def _for_anthropic(request: HttpRequest) -> bool:
    return "HTTP_ANTHROPIC_VERSION" in arrival_of(request).headers


def _listed(models: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {"object": "list", "data": [_model(name, owner) for name, owner in models]}


def _model(name: str, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}


def _anthropic_listed(models: Sequence[tuple[str, str]]) -> dict[str, Any]:
    names = [name for name, _ in models]
    data = [_anthropic_model(name) for name in names]
    return {"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}


def _anthropic_model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": _UNDATED}


def _json(content: dict[str, Any]) -> WireResponse:
    return WireResponse(200, [JSON], _encode(content))
