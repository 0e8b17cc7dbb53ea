"""`/v1/messages/batches`, as Anthropic has it: the same engine, told in another shape."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router
from ninja.errors import HttpError

from governance.auth import HotKeyAuth, KeyAuth
from governance.domain import Scope
from inference import gateway
from inference.api import batch_schemas
from inference.api.batches import read_steering
from inference.api.compatible import arrival_of, principal_of
from inference.api.files import content_response
from inference.api.once import answer_once
from inference.api.paging import json_response, name_in, page_of_messages
from inference.api.render import Refused, WireResponse
from inference.api.threads import in_thread
from inference.batches.creation import NewBatch, cancel_batch, create_batch, delete_batch, find_batch, list_batches
from inference.batches.inline import BadRequests, Requests
from inference.domain import Refusal, RefusalKind
from inference.files.storage import NewFile, find_hidden_file, store_file
from inference.models.batches import Batch
from inference.models.files import StoredFile

router = Router(auth=KeyAuth(Scope.INFER), tags=["Anthropic-compatible"])

_ENDPOINT = "/v1/messages"
_JSONL = b"application/x-jsonl"
_PROCESSING = {Batch.Status.VALIDATING, Batch.Status.IN_PROGRESS, Batch.Status.FINALIZING}


@router.post(
    "/v1/messages/batches",
    auth=HotKeyAuth(Scope.INFER),
    summary="Create a message batch",
    **batch_schemas.CREATE_MESSAGES,
)
async def create(request: HttpRequest) -> HttpResponseBase:
    claims, org_id = gateway.current().claims, principal_of(request).org_id
    work = partial(in_thread, partial(_created, request))
    return await answer_once(claims, org_id, arrival_of(request), request.path_info, work)


def _created(request: HttpRequest) -> WireResponse:
    steering, tags = read_steering(request.META)
    principal, requests = principal_of(request), Requests(request, _ENDPOINT)
    new = NewFile(principal.org_id, principal.key_id, StoredFile.Purpose.BATCH, "requests.jsonl", hidden=True)
    try:
        with transaction.atomic():
            file = store_file(new, requests)
            if isinstance(file, Refusal):
                raise Refused(file)
            batch = create_batch(
                NewBatch(
                    org_id=principal.org_id,
                    key_id=principal.key_id,
                    api=Batch.Api.ANTHROPIC,
                    endpoint=_ENDPOINT,
                    input_file_id=file.pk,
                    steering=steering,
                    tags=tags,
                    hidden_input=True,
                    total=requests.count,
                )
            )
    except BadRequests as error:
        raise Refused(Refusal(RefusalKind.INVALID, str(error))) from None
    if isinstance(batch, Refusal):
        raise Refused(batch)
    return json_response(message_batch(request, batch))


@router.get(
    "/v1/messages/batches", auth=HotKeyAuth(Scope.INFER), summary="List message batches", **batch_schemas.LIST_MESSAGES
)
async def list_of_batches(
    request: HttpRequest,
    after_id: str = "",
    before_id: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> HttpResponseBase:
    org_id, after, before = principal_of(request).org_id, name_in(after_id), name_in(before_id)
    batches, more = await in_thread(
        lambda: list_batches(org_id, Batch.Api.ANTHROPIC, limit=limit, after=after, before=before)
    )
    return page_of_messages([message_batch(request, batch) for batch in batches], has_more=more)


@router.get("/v1/messages/batches/{batch_id}", summary="Retrieve a message batch", **batch_schemas.FIND_MESSAGES)
def retrieve(request: HttpRequest, batch_id: str) -> HttpResponseBase:
    return json_response(message_batch(request, _find(request, batch_id)))


@router.post("/v1/messages/batches/{batch_id}/cancel", summary="Cancel a message batch", **batch_schemas.END_MESSAGES)
def cancel(request: HttpRequest, batch_id: str) -> HttpResponseBase:
    batch = cancel_batch(principal_of(request).org_id, name_in(batch_id), Batch.Api.ANTHROPIC)
    if isinstance(batch, Refusal):
        raise Refused(batch)
    if batch is None:
        raise _missing(batch_id)
    return json_response(message_batch(request, batch))


@router.delete("/v1/messages/batches/{batch_id}", summary="Delete a message batch", **batch_schemas.DELETE_MESSAGES)
def delete(request: HttpRequest, batch_id: str) -> HttpResponseBase:
    deleted = delete_batch(principal_of(request).org_id, name_in(batch_id), Batch.Api.ANTHROPIC)
    if isinstance(deleted, Refusal):
        raise Refused(deleted)
    if deleted is None:
        raise _missing(batch_id)
    return json_response({"id": batch_id, "type": "message_batch_deleted"})


@router.get(
    "/v1/messages/batches/{batch_id}/results", summary="Results of a message batch", **batch_schemas.MESSAGES_RESULTS
)
def results(request: HttpRequest, batch_id: str) -> HttpResponseBase:
    batch = _find(request, batch_id)
    file = find_hidden_file(batch.org_id, batch.output_file_name)
    if file is None:
        raise HttpError(404, f"The results of '{batch.pk}' are not there: it has not ended, or they have expired.")
    return content_response(file, _JSONL)


def message_batch(request: HttpRequest, batch: Batch) -> dict[str, Any]:
    """A batch as Anthropic's API shows it."""
    ended_at = batch.completed_at or batch.cancelled_at or batch.expired_at or batch.failed_at
    url = f"{request.scheme}://{request.META.get('HTTP_HOST', '')}/v1/messages/batches/{batch.pk}/results"
    return {
        "id": batch.pk,
        "type": "message_batch",
        "processing_status": _status(batch),
        "request_counts": _counts(batch),
        "created_at": _moment(batch.created_at),
        "expires_at": _moment(batch.expires_at),
        "ended_at": _moment(ended_at),
        "cancel_initiated_at": _moment(batch.cancelling_at),
        "archived_at": None,
        "results_url": url if batch.output_file_name else None,
    }


def _status(batch: Batch) -> str:
    if batch.status == Batch.Status.CANCELLING:
        return "canceling"
    return "in_progress" if batch.status in _PROCESSING else "ended"


def _counts(batch: Batch) -> dict[str, int]:
    """All of them are being processed until all have ended."""
    if _status(batch) != "ended":
        return {"processing": batch.total, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    rest = batch.total - batch.completed - batch.failed
    cancelled = rest if batch.status == Batch.Status.CANCELLED else 0
    return {
        "processing": 0,
        "succeeded": batch.completed,
        "errored": batch.failed,
        "canceled": cancelled,
        "expired": rest - cancelled,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _find(request: HttpRequest, batch_id: str) -> Batch:
    batch = find_batch(principal_of(request).org_id, name_in(batch_id), Batch.Api.ANTHROPIC)
    if batch is None:
        raise _missing(batch_id)
    return batch


def _missing(batch_id: str) -> HttpError:
    return HttpError(404, f"There is no message batch '{batch_id[:100]}'.")
