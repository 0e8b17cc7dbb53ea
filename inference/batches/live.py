"""Lines that no provider takes as a batch: called one by one through the whole pipeline, at the ordinary price."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from django.conf import settings
from django.db.models.fields.json import KeyTransform

from inference.batches.fates import OUR_FAULT, guarded
from inference.batches.job import Job, as_many_as_fit
from inference.batches.outcomes import Outcome, completed, refused, request_id_of, settle, unauthenticated
from inference.batches.planning import PASSING, name_requests
from inference.domain import Answer, Refusal, RefusalKind, Reply
from inference.models.batches import Batch, BatchItem
from inference.worker import in_thread

log = logging.getLogger(__name__)

MOST_TRIES = 9
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 300.0
State = BatchItem.State


async def call_lines(job: Job) -> None:
    """Call what waits to be, while there is time. First what a worker that died was calling: under the same request
    id, so that it is charged once."""
    interrupted = await in_thread(_interrupted)(job.batch)
    await job.shop.gatekeeper.forget(job.org_id, [request_id_of(item) for item in interrupted])
    await _call_all(job, interrupted)
    while job.has_time and not job.is_ending:
        items = await in_thread(_next_page)(job.batch)
        if not items:
            return
        if job.key_problem is not None:
            await in_thread(settle)(job.batch, [unauthenticated(item, job.key_problem, job.wire) for item in items])
            continue
        await _call_all(job, items)
        _pause_after(job, items)
        await job.refresh()


def _pause_after(job: Job, items: Sequence[BatchItem]) -> None:
    """A line that fails is called again after all the others. Where none of them succeeds, waiting may help."""
    if items and all(_is_put_back(item) for item in items):
        pause = _FIRST_PAUSE_SECONDS * 2 ** max(_tries(item) - 1 for item in items)
        job.pause = min(max(job.pause, pause), _LONGEST_PAUSE_SECONDS)


def _is_put_back(item: BatchItem) -> bool:
    return item.state == State.WAITING and _tries(item) > 0


async def _call_all(job: Job, items: Sequence[BatchItem]) -> None:
    for portion in _portions(items):
        await in_thread(_begin)(portion)
        raws = await job.read(portion)
        turns = asyncio.Semaphore(settings.ASAHI.batches.concurrency)

        async def call(item: BatchItem, raw: bytes, turns: asyncio.Semaphore = turns) -> None:
            async with turns:
                await _call(job, item, raw)

        await asyncio.gather(*(call(item, raw) for item, raw in zip(portion, raws, strict=True)))


def _portions(items: Sequence[BatchItem]) -> list[list[BatchItem]]:
    portions, rest = [], list(items)
    while rest:
        portions.append(as_many_as_fit(rest))
        rest = rest[len(portions[-1]) :]
    return portions


async def _call(job: Job, item: BatchItem, raw: bytes) -> None:
    if not job.has_time:
        await in_thread(_wait)(job.batch, item)
        return
    call = job.call_of(item, raw)
    if isinstance(call, Refusal):
        await in_thread(settle)(job.batch, [refused(item, call, job.wire)])
        return
    reply = await guarded(job.shop.answer(job.principal, call), item) or OUR_FAULT
    if isinstance(reply, Refusal) and reply.kind is RefusalKind.CANCELLED:
        return  # this worker is being stopped: the next one calls it under the same request id
    outcome = _outcome_of(job, item, reply)
    if outcome is None:
        await in_thread(_wait_for_another_try)(job.batch, item)
    else:
        await in_thread(settle)(job.batch, [outcome])


def _outcome_of(job: Job, item: BatchItem, reply: Reply) -> Outcome | None:
    """None when it should be tried again later."""
    if isinstance(reply, Answer):
        return completed(item, reply.body, reply.report.usage)
    assert isinstance(reply, Refusal), "a line is not answered as a stream"
    if reply.kind is RefusalKind.RATE_LIMITED:
        job.pause = min(max(reply.retry_after or 0.0, job.pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        return None
    if reply.kind in PASSING and _tries(item) + 1 < MOST_TRIES:
        log.info("batch.line_tried_again", extra={"batch": job.batch.pk, "line": item.line, "kind": reply.kind})
        item.plan, item.state = {"tries": _tries(item) + 1}, State.WAITING
        return None
    return refused(item, reply, job.wire)


def _tries(item: BatchItem) -> int:
    tries: int = (item.plan or {}).get("tries", 0)
    return tries


def _next_page(batch: Batch) -> list[BatchItem]:
    waiting = BatchItem.objects.for_org(batch.org_id).filter(batch=batch, state=State.WAITING, live_only=True)
    tries = KeyTransform("tries", "plan")
    return as_many_as_fit(
        waiting.order_by(tries.asc(nulls_first=True), "line")[: settings.ASAHI.batches.concurrency * 4]
    )


def _interrupted(batch: Batch) -> list[BatchItem]:
    return list(BatchItem.objects.for_org(batch.org_id).filter(batch=batch, state=State.RUNNING).order_by("line"))


def _begin(items: Sequence[BatchItem]) -> None:
    """Durably, before anything may be charged."""
    name_requests(items)
    for item in items:
        item.state = State.RUNNING
    BatchItem.objects.filter(pk__in=[item.pk for item in items], state=State.WAITING).update(state=State.RUNNING)


def _wait(batch: Batch, item: BatchItem) -> None:
    """It was not called after all."""
    BatchItem.objects.for_org(batch.org_id).filter(pk=item.pk, state=State.RUNNING).update(state=State.WAITING)


def _wait_for_another_try(batch: Batch, item: BatchItem) -> None:
    """Under a new request id: that this try came to nothing may be in the ledger."""
    BatchItem.objects.for_org(batch.org_id).filter(pk=item.pk, state=State.RUNNING).update(
        state=State.WAITING, request_id=None, plan=item.plan
    )
