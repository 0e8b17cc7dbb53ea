"""Result files: a line for each line that has ended, in the shape of whoever's API the batch came by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from analytics import ids
from governance.scoping import TenantQuerySet
from inference.batches.outcomes import place_of
from inference.files.packing import unpack
from inference.files.storage import NewFile, write_file
from inference.models.batches import Batch, BatchItem
from inference.models.files import StoredFile

_ROWS_AT_ONCE = 100
State = BatchItem.State
_encode = msgspec.json.Encoder().encode

_UNANSWERED = {
    State.EXPIRED: {
        "code": "batch_expired",
        "message": "This request could not be executed before the completion window expired.",
    },
    State.CANCELLED: {
        "code": "batch_cancelled",
        "message": "This request was not executed because its batch was cancelled.",
    },
}
_ANTHROPICS = {State.EXPIRED: "expired", State.CANCELLED: "canceled"}


def write_results(batch: Batch) -> None:
    """Its result files, in the caller's transaction. One without lines is not written."""
    if batch.api == Batch.Api.ANTHROPIC:
        batch.output_file_name = _write(batch, "results", _messages_lines(batch), hidden=True)
        return
    batch.output_file_name = _write(batch, "output", _chat_lines(batch, answered=True))
    batch.error_file_name = _write(batch, "error", _chat_lines(batch, answered=False))


def _write(batch: Batch, kind: str, lines: Iterator[bytes], *, hidden: bool = False) -> str:
    first = next(lines, None)
    if first is None:
        return ""
    new = NewFile(
        org_id=str(batch.org_id),
        key_id=None,
        purpose=StoredFile.Purpose.BATCH_OUTPUT,
        filename=f"{batch.pk}_{kind}.jsonl",
        lives_seconds=batch.output_expires_after,
        hidden=hidden,
    )
    return write_file(new, _with(first, lines)).pk


def _with(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _chat_lines(batch: Batch, *, answered: bool) -> Iterator[bytes]:
    items = _items(batch)
    items = items.filter(state=State.COMPLETED) if answered else items.exclude(state=State.COMPLETED)
    for item in items.iterator(chunk_size=_ROWS_AT_ONCE):
        yield _encode(_chat_line(batch, item)) + b"\n"


def _chat_line(batch: Batch, item: BatchItem) -> dict[str, Any]:
    response, error = None, _UNANSWERED.get(State(item.state))
    name = f"batch_req_{item.request_id.hex}" if item.request_id else f"batch_req_{item.pk:032x}"
    if error is None:
        request_id = ids.from_uuid(item.request_id) if item.request_id else ""
        response = {"status_code": item.status, "request_id": request_id, "body": _body(batch, item)}
    return {"id": name, "custom_id": item.custom_id, "response": response, "error": error}


def _messages_lines(batch: Batch) -> Iterator[bytes]:
    for item in _items(batch).iterator(chunk_size=_ROWS_AT_ONCE):
        yield _encode({"custom_id": item.custom_id, "result": _messages_result(batch, item)}) + b"\n"


def _messages_result(batch: Batch, item: BatchItem) -> dict[str, Any]:
    if item.state == State.COMPLETED:
        return {"type": "succeeded", "message": _body(batch, item)}
    if item.state == State.FAILED:
        return {"type": "errored", "error": _body(batch, item)}
    return {"type": _ANTHROPICS[State(item.state)]}


def _items(batch: Batch) -> TenantQuerySet[BatchItem]:
    return BatchItem.objects.for_org(batch.org_id).filter(batch=batch).order_by("line").select_related("result")


def _body(batch: Batch, item: BatchItem) -> msgspec.Raw:
    return msgspec.Raw(unpack(item.result.content, org_id=batch.org_id, place=place_of(item.pk)))
