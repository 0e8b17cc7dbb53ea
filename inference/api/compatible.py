"""The compatible routes that are answered by models: OpenAI's chat completions and embeddings, Anthropic's messages."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from governance.auth import HotKeyAuth
from governance.domain import Principal, Scope
from inference import gateway
from inference.api import schemas
from inference.api.intake import Arrival, read_call
from inference.api.once import answer_once
from inference.api.render import Refused, WireResponse, render
from inference.domain import Refusal, Wire

router = Router(auth=HotKeyAuth(Scope.INFER))


def arrival_of(request: HttpRequest) -> Arrival:
    """The request as the lean handler read it."""
    return request.asahi_arrival  # type: ignore[attr-defined,no-any-return]


def principal_of(request: HttpRequest) -> Principal:
    return request.auth  # type: ignore[attr-defined,no-any-return]


async def _serve(request: HttpRequest, wire: Wire) -> HttpResponseBase:
    here, principal, arrival = gateway.current(), principal_of(request), arrival_of(request)

    async def answer() -> WireResponse:
        own = bool(principal.accounts)
        call = read_call(arrival, wire, here.default_mode, principal.org_id, own_account=own)
        if isinstance(call, Refusal):
            raise Refused(call)
        return render(await here.pipeline.answer(principal, call))

    return await answer_once(here.claims, principal.org_id, arrival, request.path_info, answer)


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
