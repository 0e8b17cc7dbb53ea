"""Asking providers how their batches are doing, and bringing in what they answered.

Each answer is entered in the ledger first and its line ends then. A worker that dies in between enters it again, which
adds nothing: the ledger knows the request.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import islice
from typing import Any

from django.conf import settings
from django.utils import timezone

from analytics import ids
from inference.batches.fates import NotRecorded, call_one_by_one, guarded
from inference.batches.job import Job
from inference.batches.outcomes import Outcome, completed, refused, request_id_of, settle
from inference.batches.plans import restore, went_to_own_account
from inference.batches.submission import abandon, lines_of, service_of
from inference.bills import BATCH
from inference.crossing import Crossing, crossing_for
from inference.domain import Order, Plan, Refusal, RefusalKind, Usage
from inference.endings import Ending
from inference.estimate import estimate_usage
from inference.models.batches import BatchItem, ProviderBatch
from inference.providers.batches import LineEnd, LineResult, ProviderBatchError, ProviderBatches
from inference.wire.written import written_text
from inference.worker import in_thread

log = logging.getLogger(__name__)

_PAGE_LINES, _PAGE_BYTES = 50, 8 * 1024 * 1024
_RENEWED_AT_ONCE = 1000


async def collect_submitted(job: Job, *, give_up: bool) -> None:
    """Ask about every batch that a provider has of ours.

    `give_up`: the provider was told to stop long ago, and what it has not brought by now ends unanswered.
    """
    for submitted in await in_thread(_submitted)(job):
        if give_up:
            await abandon(job, submitted, "it did not end in time")
            continue
        service = service_of(job, submitted)
        if service is None:
            job.setback = ProviderBatchError("the provider cannot be called now")
            continue
        async with aclosing(service):
            try:
                await _look_at(job, submitted, service)
            except ProviderBatchError as error:
                if error.gone:
                    await abandon(job, submitted, str(error))
                else:
                    job.setback = error


async def _look_at(job: Job, submitted: ProviderBatch, service: ProviderBatches) -> None:
    if job.is_ending and submitted.cancel_asked_at is None:
        await service.cancel(submitted.upstream_id)
        await in_thread(_note_cancel)(submitted)
    progress = await service.poll(submitted.upstream_id)
    if not progress.ended:
        await _keep_reserved(job, submitted)
        return
    if progress.problem:
        log.warning("batch.failed_at_provider", extra={"provider_batch": submitted.pk, "reason": progress.problem})
    await _collect(job, submitted, service)
    await call_one_by_one(job, await in_thread(lines_of)(submitted))  # what is missing
    await in_thread(_note_end)(submitted, progress.problem)


async def _collect(job: Job, submitted: ProviderBatch, service: ProviderBatches) -> None:
    page: list[LineResult] = []
    size = 0
    async for result in service.results(submitted.upstream_id):
        page.append(result)
        size += len(result.body)
        if len(page) >= _PAGE_LINES or size >= _PAGE_BYTES:
            await _bring_in(job, submitted, page)
            page, size = [], 0
    await _bring_in(job, submitted, page)


async def _bring_in(job: Job, submitted: ProviderBatch, results: Sequence[LineResult]) -> None:
    by_name = {result.name: result for result in results}
    items = await in_thread(_items_named)(submitted, list(by_name))
    outcomes: list[Outcome] = []
    undone: list[BatchItem] = []
    for item, raw in zip(items, await job.read(items), strict=True):
        result = by_name[request_id_of(item)]
        outcome = None
        if result.end in (LineEnd.ANSWERED, LineEnd.REJECTED):
            outcome = await guarded(_charge(job, item, raw, result), item)
        if outcome is None:
            undone.append(item)
        else:
            outcomes.append(outcome)
    await in_thread(settle)(job.batch, outcomes)
    await call_one_by_one(job, undone)


async def _charge(job: Job, item: BatchItem, raw: bytes, result: LineResult) -> Outcome | None:
    """Enter it in the ledger; None when it is no answer after all."""
    call = job.call_of(item, raw)
    restored = None if isinstance(call, Refusal) else restore(
        item.plan or {}, job.principal, call, job.shop.gateway.registry
    )  # fmt: skip
    if restored is None:
        return None
    order, plan = restored
    crossing = crossing_for(order.call, plan.model)
    if isinstance(crossing, Refusal):
        return None
    facts: dict[str, Any] = {"simulated": _simulated(job, plan), "own_account": went_to_own_account(item.plan or {})}
    if result.end is LineEnd.REJECTED:  # the provider says that the request is wrong, and charges nothing
        facts |= {"outcome": "provider_error", "status": result.status}
        await _record(job, item, order, Ending.of_call(plan, plan.model, Usage(), **facts), None)
        return refused(item, _rejection(result, crossing), job.wire)
    whole = crossing.read_whole(result.body)
    if whole is None:
        return None
    usage = whole.usage or await estimate_usage(order, None, written_text(whole.body))
    usage = replace(usage, service=BATCH)
    await _record(job, item, order, Ending.of_call(plan, plan.model, usage, **facts), whole.body)
    return completed(item, whole.body, usage)


def _rejection(result: LineResult, crossing: Crossing) -> Refusal:
    body = b"" if crossing.translated else result.body
    message = f"the provider answered {result.status}"
    return Refusal(RefusalKind.PROVIDER_REJECTED, message, status=result.status, body=body)


async def _record(job: Job, item: BatchItem, order: Order, ending: Ending, body: bytes | None) -> None:
    job.shop.gatekeeper.take_over(job.org_id, order.call.request_id, item.held_nano)
    durable, _ = await job.shop.records.end(order, ending, body=body)
    if not durable:
        raise NotRecorded


def _simulated(job: Job, plan: Plan) -> bool:
    target = job.shop.gateway.targets.for_model(plan.model, plan.model.wire, job.principal.accounts)
    return target is not None and target.simulated


async def _keep_reserved(job: Job, submitted: ProviderBatch) -> None:
    """Renew the leases of its lines; put them in again if Redis has lost them."""
    held = await in_thread(_held)(submitted)
    lease = settings.ASAHI.batches.lease_seconds
    for names in _portions(held, _RENEWED_AT_ONCE):
        part = {name: held[name] for name in names}
        await job.shop.gatekeeper.hand_over(job.org_id, part, lease_seconds=lease)


def _portions(names: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    """In portions, so that no command keeps Redis from others for long."""
    rest = iter(names)
    while portion := tuple(islice(rest, size)):
        yield portion


def _held(submitted: ProviderBatch) -> dict[str, int]:
    items = BatchItem.objects.for_org(submitted.org_id).filter(provider_batch=submitted, held_nano__gt=0)
    rows = items.filter(state=BatchItem.State.SUBMITTED).values_list("request_id", "held_nano")
    return {ids.from_uuid(request_id): held for request_id, held in rows if request_id is not None}


def _submitted(job: Job) -> list[ProviderBatch]:
    mine = ProviderBatch.objects.for_org(job.org_id).filter(batch=job.batch, state=ProviderBatch.State.SUBMITTED)
    return list(mine.order_by("pk"))


def _items_named(submitted: ProviderBatch, names: Sequence[str]) -> list[BatchItem]:
    request_ids = []
    for name in names:
        try:
            request_ids.append(ids.to_uuid(name))
        except ValueError:
            continue  # not one of ours
    items = BatchItem.objects.for_org(submitted.org_id).filter(provider_batch=submitted, request_id__in=request_ids)
    return list(items.filter(state=BatchItem.State.SUBMITTED).order_by("line"))


def _note_cancel(submitted: ProviderBatch) -> None:
    ProviderBatch.objects.filter(pk=submitted.pk).update(cancel_asked_at=timezone.now())


def _note_end(submitted: ProviderBatch, problem: str) -> None:
    ProviderBatch.objects.filter(pk=submitted.pk).update(
        state=ProviderBatch.State.ENDED, ended_at=timezone.now(), last_error=problem[:300]
    )
