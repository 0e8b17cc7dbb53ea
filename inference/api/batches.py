"""`/v1/batches`, as OpenAI has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router
from ninja.errors import HttpError

from governance.auth import HotKeyAuth, KeyAuth
from governance.domain import Scope
from inference import gateway
from inference.api import batch_schemas
from inference.api.compatible import arrival_of, principal_of
from inference.api.controls import InvalidControl, read_controls
from inference.api.once import answer_once
from inference.api.paging import json_response, name_in, page_response
from inference.api.render import Refused, WireResponse
from inference.api.threads import in_thread
from inference.batches.creation import NewBatch, cancel_batch, create_batch, find_batch, list_batches
from inference.batches.lines import ENDPOINTS
from inference.domain import Refusal, RefusalKind
from inference.files.storage import LONGEST_LIFE, SHORTEST_LIFE
from inference.models.batches import Batch

router = Router(auth=KeyAuth(Scope.INFER), tags=["OpenAI-compatible"])

_STEERING = ("HTTP_X_ASAHI_", "HTTP_ANTHROPIC_BETA", "HTTP_CACHE_CONTROL")
_MOMENTS = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


class ExpiresAfter(msgspec.Struct, forbid_unknown_fields=True):
    anchor: Literal["created_at"]
    seconds: Annotated[int, msgspec.Meta(ge=SHORTEST_LIFE, le=LONGEST_LIFE)]


_Key = Annotated[str, msgspec.Meta(max_length=64)]
_Value = Annotated[str, msgspec.Meta(max_length=512)]


class BatchRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a caller may say about a batch. Anything else is refused by name."""

    input_file_id: str
    endpoint: str
    completion_window: Literal["24h"]
    metadata: Annotated[dict[_Key, _Value], msgspec.Meta(max_length=16)] | None = None
    output_expires_after: ExpiresAfter | None = None


_decode = msgspec.json.Decoder(BatchRequest).decode


@router.post("/v1/batches", auth=HotKeyAuth(Scope.INFER), summary="Create a batch", **batch_schemas.CREATE)
async def create(request: HttpRequest) -> HttpResponseBase:
    claims, org_id = gateway.current().claims, principal_of(request).org_id
    work = partial(in_thread, partial(_created, request))
    return await answer_once(claims, org_id, arrival_of(request), request.path_info, work)


def _created(request: HttpRequest) -> WireResponse:
    asked, principal = _read(arrival_of(request).raw), principal_of(request)
    steering, tags = read_steering(request.META)
    batch = create_batch(
        NewBatch(
            org_id=principal.org_id,
            key_id=principal.key_id,
            api=Batch.Api.OPENAI,
            endpoint=asked.endpoint,
            input_file_id=name_in(asked.input_file_id),
            steering=steering,
            tags=tags,
            metadata=asked.metadata,
            output_expires_after=asked.output_expires_after.seconds if asked.output_expires_after else None,
        )
    )
    if isinstance(batch, Refusal):
        raise Refused(batch)
    return json_response(batch_object(batch))


@router.get("/v1/batches", auth=HotKeyAuth(Scope.INFER), summary="List batches", **batch_schemas.LIST)
async def list_of_batches(
    request: HttpRequest, after: str = "", limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> HttpResponseBase:
    org_id = principal_of(request).org_id
    batches, more = await in_thread(lambda: list_batches(org_id, Batch.Api.OPENAI, limit=limit, after=name_in(after)))
    return page_response([batch_object(batch) for batch in batches], has_more=more)


@router.get("/v1/batches/{batch_id}", summary="Retrieve a batch", **batch_schemas.FIND)
def retrieve(request: HttpRequest, batch_id: str) -> HttpResponseBase:
    batch = find_batch(principal_of(request).org_id, name_in(batch_id), Batch.Api.OPENAI)
    return json_response(batch_object(_found(batch, batch_id)))


@router.post("/v1/batches/{batch_id}/cancel", summary="Cancel a batch", **batch_schemas.CANCEL)
def cancel(request: HttpRequest, batch_id: str) -> HttpResponseBase:
    batch = cancel_batch(principal_of(request).org_id, name_in(batch_id), Batch.Api.OPENAI)
    if isinstance(batch, Refusal):
        raise Refused(batch)
    return json_response(batch_object(_found(batch, batch_id)))


def read_steering(headers: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The headers that hold for every line, and the tags in them. Raises Refused for what cannot be understood."""
    steering = {name: str(value) for name, value in headers.items() if name.startswith(_STEERING)}
    mode = steering.get("HTTP_X_ASAHI_ROUTING", "").strip().lower()
    model = "a model named by each line" if mode == "explicit" else None  # which each line is asked about again
    try:
        controls = read_controls(steering, model, gateway.current().default_mode)
    except InvalidControl as error:
        raise Refused(Refusal(RefusalKind.INVALID, str(error), details={"param": error.name})) from None
    return steering, controls.tags


def batch_object(batch: Batch) -> dict[str, Any]:
    """A batch as OpenAI's API shows it."""
    return {
        "id": batch.pk,
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": batch.model or None,
        "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
        "input_file_id": batch.input_file_name,
        "completion_window": batch.completion_window,
        "status": batch.status,
        "output_file_id": batch.output_file_name or None,
        "error_file_id": batch.error_file_name or None,
        "created_at": _seconds(batch.created_at),
        "expires_at": _seconds(batch.expires_at),
        **{f"{moment}_at": _seconds(getattr(batch, f"{moment}_at")) for moment in _MOMENTS},
        "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
        "usage": {
            "input_tokens": batch.input_tokens,
            "input_tokens_details": {"cached_tokens": batch.cached_input_tokens},
            "output_tokens": batch.output_tokens,
            "output_tokens_details": {"reasoning_tokens": batch.reasoning_tokens},
            "total_tokens": batch.input_tokens + batch.output_tokens,
        },
        "metadata": batch.metadata,
    }


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _found(batch: Batch | None, batch_id: str) -> Batch:
    if batch is None:
        raise HttpError(404, f"No batch found with id '{batch_id[:100]}'.")
    return batch


def _read(raw: bytes) -> BatchRequest:
    try:
        asked = _decode(raw)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), _param_in(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(f"the body is not valid JSON: {error}", None) from None
    if any("\x00" in text for pair in (asked.metadata or {}).items() for text in pair):
        raise _invalid("metadata may hold any character but U+0000", "metadata")
    if asked.endpoint not in ENDPOINTS:
        raise _invalid(f"endpoint must be one of {', '.join(ENDPOINTS)}", "endpoint")
    return asked


def _param_in(message: str) -> str | None:
    """msgspec names the place last, as `$.metadata[...]`, or the field itself, in backticks."""
    parts = message.split("`")
    return parts[-2].removeprefix("$.") if len(parts) > 2 else None


def _invalid(message: str, param: str | None) -> Refused:
    return Refused(Refusal(RefusalKind.INVALID, message, details={"param": param}))
