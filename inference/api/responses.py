"""OpenAI's responses: made, streamed, and fetched again by the organization that asked for them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from governance.auth import HotKeyAuth
from governance.domain import Scope
from inference import gateway
from inference.api import responses_schema as schemas
from inference.api.compatible import arrival_of, principal_of
from inference.api.once import answer_once
from inference.api.paging import json_response, page_response
from inference.api.render import JSON, Refused, WireResponse, render, request_id_headers, stream_response
from inference.domain import Call, Refusal, RefusalKind, Wire
from inference.responses import background, serving
from inference.responses.following import FollowedStream
from inference.responses.listing import page_of
from inference.responses.presentation import Presentation
from inference.responses.store import Kept
from inference.responses.waking import wake_makers
from inference.wire.errors import ErrorKind
from inference.wire.format import format_of

router = Router(auth=HotKeyAuth(Scope.INFER), tags=["OpenAI-compatible"])

_MOST_ITEMS, _USUAL_ITEMS = 100, 20


@router.post("/v1/responses", summary="Create a response", **schemas.CREATE)
async def create_response(request: HttpRequest) -> HttpResponseBase:
    here, principal, arrival = gateway.current(), principal_of(request), arrival_of(request)

    async def answer() -> WireResponse:
        asked = await serving.read(here.responses, arrival, here.default_mode, principal)
        if isinstance(asked, Refusal):
            raise Refused(asked)
        call, presentation = asked
        if presentation.request.get("background"):
            return await _accept(request, call, presentation)
        return render(await serving.answer(here.pipeline, principal, call, presentation))

    return await answer_once(here.claims, principal.org_id, arrival, request.path_info, answer)


async def _accept(request: HttpRequest, call: Call, presentation: Presentation) -> WireResponse:
    here, principal, arrival = gateway.current(), principal_of(request), arrival_of(request)
    kept = await background.accept(
        here.responses,
        here.pipeline,
        principal=principal,
        arrival=arrival,
        call=call,
        presentation=presentation,
        wake=wake_makers,
    )
    if isinstance(kept, Refusal):
        raise Refused(kept)
    return _followed(request, kept) if call.stream else _answered(request, kept.turn.body)


def _followed(request: HttpRequest, kept: Kept, starting_after: int | None = None) -> WireResponse:
    store, org_id = gateway.current().responses, principal_of(request).org_id
    stream = FollowedStream(store, org_id, kept, starting_after=starting_after)
    return stream_response(stream, request_id_headers(arrival_of(request).request_id))


@router.get("/v1/responses/{response_id}", summary="Fetch a response", **schemas.RETRIEVE)
async def retrieve_response(
    request: HttpRequest, response_id: str, stream: bool = False, starting_after: int | None = None
) -> HttpResponseBase:
    kept = await _found(request, response_id)
    if kept is None:
        return _not_found(request, response_id)
    return _followed(request, kept, starting_after) if stream else _answered(request, kept.turn.body)


@router.delete("/v1/responses/{response_id}", summary="Delete a response", **schemas.DELETE)
async def delete_response(request: HttpRequest, response_id: str) -> HttpResponseBase:
    if not await gateway.current().responses.delete(principal_of(request).org_id, response_id):
        return _not_found(request, response_id)
    return _answered(request, {"id": response_id, "object": "response", "deleted": True})


@router.post("/v1/responses/{response_id}/cancel", summary="Cancel a response", **schemas.CANCEL)
async def cancel_response(request: HttpRequest, response_id: str) -> HttpResponseBase:
    kept = await _found(request, response_id)
    if kept is None:
        return _not_found(request, response_id)
    body = await background.cancel(gateway.current().responses, principal_of(request).org_id, kept)
    if body is None:
        raise _invalid("response_id", "Cannot cancel a synchronous response.")
    return _answered(request, body)


@router.get("/v1/responses/{response_id}/input_items", summary="List a response's input", **schemas.INPUT_ITEMS)
async def list_input_items(
    request: HttpRequest, response_id: str, after: str = "", limit: int = _USUAL_ITEMS, order: str = "desc"
) -> HttpResponseBase:
    if not 1 <= limit <= _MOST_ITEMS:
        raise _invalid("limit", f"Invalid 'limit': expected 1 to {_MOST_ITEMS}.")
    if order not in ("asc", "desc"):
        raise _invalid("order", "Invalid 'order': expected asc or desc.")
    kept = await _found(request, response_id)
    if kept is None:
        return _not_found(request, response_id)
    page = page_of(kept.turn, after=after, limit=limit, newest_first=order == "desc")
    if page is None:
        raise _invalid("after", "Invalid 'after': the response has no such input item.")
    return _named(request, page_response(page.items, has_more=page.has_more))


async def _found(request: HttpRequest, response_id: str) -> Kept | None:
    return await gateway.current().responses.find(principal_of(request).org_id, response_id)


def _answered(request: HttpRequest, body: dict[str, Any]) -> WireResponse:
    return _named(request, json_response(body))


def _named(request: HttpRequest, response: WireResponse) -> WireResponse:
    """With the request's id, as every answer has it."""
    response.raw_headers.extend(request_id_headers(arrival_of(request).request_id))
    return response


def _not_found(request: HttpRequest, response_id: str) -> WireResponse:
    """The same for an id that never was and for one of another organization."""
    request_id = arrival_of(request).request_id
    body = format_of(Wire.RESPONSES).error_body(
        ErrorKind.NOT_FOUND, f"Response with id '{response_id[:100]}' not found.", request_id=request_id
    )
    return WireResponse(404, [JSON, *request_id_headers(request_id)], body)


def _invalid(param: str, message: str) -> Refused:
    return Refused(Refusal(RefusalKind.INVALID, message, details={"param": param}))
