"""`/v1/models`, in OpenAI's shape, or in Anthropic's for a client that says which version of its API it speaks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router

from governance.auth import HotKeyAuth
from governance.domain import Scope
from inference import gateway
from inference.api import schemas
from inference.api.compatible import arrival_of, principal_of
from inference.api.controls import AUTOMATIC_MODELS
from inference.api.render import JSON, Refused, WireResponse, request_id_headers
from inference.domain import Model, Refusal, RefusalKind
from inference.registry import Retirement

router = Router(auth=HotKeyAuth(Scope.INFER), tags=["OpenAI-compatible"])

_encode = msgspec.json.Encoder().encode
_UNDATED = "1970-01-01T00:00:00Z"
"""Providers say when they made a model; we do not know, and the field is required."""

_LINE = re.compile(r"^claude-(haiku|sonnet|opus|fable|mythos)(?:-|$)")
_MOST_MODELS = 1000


@dataclass(frozen=True, slots=True)
class _Listed:
    """A name that may be called, the registered model behind it if there is one, and when that goes."""

    name: str
    owner: str
    model: Model | None = None
    retirement: Retirement | None = None


@router.get("/v1/models", summary="List models", **schemas.MODEL_LIST)
async def list_models(
    request: HttpRequest,
    limit: Annotated[
        int, Query(ge=1, le=_MOST_MODELS, description="Read from a client that says its `anthropic-version`.")
    ] = 20,
    after_id: str = "",
    before_id: str = "",
) -> HttpResponseBase:
    """OpenAI's list has no pages."""
    visible = _visible(request)
    if not _for_anthropic(request):
        return _json(request, {"object": "list", "data": [_model(listed) for listed in visible]})
    page, has_more = _page(visible, limit, after_id, before_id)
    ends = {"first_id": page[0].name if page else None, "last_id": page[-1].name if page else None}
    return _json(request, {"data": [_anthropic_model(listed) for listed in page], "has_more": has_more, **ends})


@router.get("/v1/models/{path:model_id}", summary="Describe one model", **schemas.MODEL)
async def describe_model(request: HttpRequest, model_id: str) -> HttpResponseBase:
    """By any name that a call may use; the answer says it by its id."""
    model = gateway.current().registry.find(model_id)
    wanted = model.id if model is not None else model_id
    for listed in _visible(request):
        if listed.name == wanted:
            return _json(request, _anthropic_model(listed) if _for_anthropic(request) else _model(listed))
    message = f"The model '{model_id[:100]}' does not exist."
    raise Refused(Refusal(RefusalKind.UNKNOWN_MODEL, message, details={"param": "model"}))


def _visible(request: HttpRequest) -> list[_Listed]:
    """The models the caller may use, the automatic choice first."""
    policy, registry = principal_of(request).policy, gateway.current().registry
    registered = [
        _Listed(model.id, model.provider, model, registry.announced.get(model.id))
        for model in registry.models
        if policy.allows(model.id)
    ]
    return [*(_Listed(name, "asahi") for name in sorted(AUTOMATIC_MODELS)), *registered]


def _page(listed: Sequence[_Listed], limit: int, after: str, before: str) -> tuple[Sequence[_Listed], bool]:
    """The models behind one, or those right before another; and whether there are more on that way."""
    places = {one.name: place for place, one in enumerate(listed)}
    for param, name in (("after_id", after), ("before_id", before)):
        if name and name not in places:
            message = f"'{param}' names no model of this list: '{name[:100]}'."
            raise Refused(Refusal(RefusalKind.INVALID, message, details={"param": param}))
    start, end = places.get(after, -1) + 1, places.get(before, len(listed))
    between = listed[start:end]
    page = between[-limit:] if before and not after else between[:limit]
    return page, len(page) < len(between)


def _for_anthropic(request: HttpRequest) -> bool:
    return "HTTP_ANTHROPIC_VERSION" in arrival_of(request).headers


def _model(listed: _Listed) -> dict[str, Any]:
    told: dict[str, Any] = {"id": listed.name, "object": "model", "created": 0, "owned_by": listed.owner}
    return told if listed.retirement is None else {**told, "shutdown_date": listed.retirement.on.isoformat()}


def _anthropic_model(listed: _Listed) -> dict[str, Any]:
    """Its capabilities are told by `/models`, in words of our own: those of other makers have no name there."""
    model, retirement, line = listed.model, listed.retirement, _LINE.match(listed.name)
    return {
        "type": "model",
        "id": listed.name,
        "display_name": listed.name,
        "created_at": _UNDATED,
        "lifecycle": "active" if retirement is None else "deprecated",
        "line": line[1] if line else None,
        "max_input_tokens": model.context_tokens if model else None,
        "max_tokens": model.max_output_tokens or None if model else None,
        "capabilities": None,
        "deprecated_at": None,
        "retires_at": None if retirement is None else f"{retirement.on.isoformat()}T00:00:00Z",
    }


def _json(request: HttpRequest, content: dict[str, Any]) -> WireResponse:
    return WireResponse(200, [JSON, *request_id_headers(arrival_of(request).request_id)], _encode(content))
