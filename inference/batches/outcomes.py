"""How lines end. Every line's last transition happens here, once, together with its answer and the batch's counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from analytics import ids
from inference.domain import Refusal, Usage, Wire
from inference.files.packing import pack
from inference.models.batches import Batch, BatchItem, BatchResult
from inference.statuses import status_of
from inference.wire.errors import ErrorKind
from inference.wire.format import format_of

State = BatchItem.State
OPEN = (State.WAITING, State.RUNNING, State.SUBMITTED)
NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one line ended. `body` is the answer, or the error as a live call would have got it."""

    item_id: int
    state: str
    status: int | None = None
    body: bytes | None = None
    usage: Usage = NO_USAGE


def completed(item: BatchItem, body: bytes, usage: Usage | None) -> Outcome:
    return Outcome(item.pk, State.COMPLETED, 200, body, usage or NO_USAGE)


def refused(item: BatchItem, refusal: Refusal, wire: Wire) -> Outcome:
    """The line's own error: the others go on."""
    body = refusal.body or format_of(wire).error_body(
        refusal.kind, refusal.message, param=refusal.details.get("param"), request_id=request_id_of(item)
    )
    return Outcome(item.pk, State.FAILED, status_of(refusal, compatible=True), body)


def unauthenticated(item: BatchItem, problem: str, wire: Wire) -> Outcome:
    """The key that made the batch is good no more."""
    body = format_of(wire).error_body(ErrorKind.UNAUTHENTICATED, problem, request_id=request_id_of(item))
    return Outcome(item.pk, State.FAILED, 401, body)


def request_id_of(item: BatchItem) -> str:
    return "" if item.request_id is None else ids.from_uuid(item.request_id)


def settle(batch: Batch, outcomes: Sequence[Outcome]) -> int:
    """Apply them. A line that has ended before is left as it is; returns how many have ended now."""
    if not outcomes:
        return 0
    by_id = {outcome.item_id: outcome for outcome in outcomes}
    with transaction.atomic():
        items = BatchItem.objects.for_org(batch.org_id).filter(batch=batch, pk__in=by_id, state__in=OPEN)
        ended = list(items.select_for_update().order_by("pk"))
        for item in ended:
            outcome = by_id[item.pk]
            item.state, item.status, item.held_nano = outcome.state, outcome.status, 0
        BatchItem.objects.bulk_update(ended, ["state", "status", "held_nano"])
        BatchResult.objects.bulk_create(_results(batch, ended, by_id), ignore_conflicts=True)
        _count(batch, [by_id[item.pk] for item in ended])
    return len(ended)


def place_of(item_id: int) -> str:
    """Where a line's answer is sealed for."""
    return f"batch-item:{item_id}"


def _results(batch: Batch, ended: Sequence[BatchItem], by_id: Mapping[int, Outcome]) -> list[BatchResult]:
    results = []
    for item in ended:
        body = by_id[item.pk].body
        if body is not None:
            content = pack(body, org_id=batch.org_id, place=place_of(item.pk))
            results.append(BatchResult(item=item, org_id=batch.org_id, content=content))
    return results


def _count(batch: Batch, ended: Sequence[Outcome]) -> None:
    Batch.objects.filter(pk=batch.pk).update(
        completed=F("completed") + sum(each.state == State.COMPLETED for each in ended),
        failed=F("failed") + sum(each.state == State.FAILED for each in ended),
        input_tokens=F("input_tokens") + sum(each.usage.input_tokens for each in ended),
        cached_input_tokens=F("cached_input_tokens") + sum(each.usage.cached_input_tokens for each in ended),
        output_tokens=F("output_tokens") + sum(each.usage.output_tokens for each in ended),
        reasoning_tokens=F("reasoning_tokens") + sum(each.usage.reasoning_tokens for each in ended),
    )
