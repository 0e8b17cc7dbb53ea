"""Handing lines over to a provider's batch service, so that a worker may die at any point of it.

The row says first that it is about to happen; an attempt whose end is not known is looked up with the provider before
there is another.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from django.db.models import F
from django.utils import timezone

from inference.batches.fates import call_one_by_one
from inference.batches.job import Job, as_many_as_fit
from inference.batches.outcomes import request_id_of
from inference.batches.upstreams import open_service, service_target
from inference.crossing import crossing_for
from inference.domain import Refusal, Wire
from inference.models.batches import BatchItem, ProviderBatch
from inference.providers.batches import Intent, Line, ProviderBatchError, ProviderBatches
from inference.worker import in_thread

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
_PAGE = 200
State = ProviderBatch.State


async def submit_intended(job: Job) -> None:
    """Hand over what is meant to be."""
    for intended in await in_thread(_intended)(job):
        service = service_of(job, intended)
        if service is None:
            await abandon(job, intended, "the provider cannot be called any more")
            continue
        async with aclosing(service):
            try:
                await _hand_over(job, intended, service)
            except ProviderBatchError as error:
                job.setback = error


async def abandon_intended(job: Job) -> None:
    """It was cancelled or is late: what was not handed over is not. What may have been is looked up first."""
    for intended in await in_thread(_intended)(job):
        service = service_of(job, intended) if intended.attempts else None
        if service is not None:
            async with aclosing(service):
                try:
                    if await find_attempt(job, intended, service):
                        continue
                except ProviderBatchError as error:
                    job.setback = error
                    continue
        await abandon(job, intended, "it ended before it was handed over")


def service_of(job: Job, provider_batch: ProviderBatch) -> ProviderBatches | None:
    """To be closed; None when the provider's batch service cannot be called now."""
    gateway = job.shop.gateway
    model = gateway.registry.find(provider_batch.model)
    if model is None:
        return None
    target = service_target(gateway, model, Wire(provider_batch.wire), job.principal.accounts)
    return None if target is None else open_service(gateway, target)


async def find_attempt(job: Job, tried: ProviderBatch, service: ProviderBatches) -> bool:
    """Whether an attempt whose end is not known was taken after all; then it is noted."""
    known = await in_thread(_known)(tried.provider)
    upstream_id = await service.find(_intent_of(job, tried), known)
    if upstream_id is None:
        return False
    await in_thread(note_submitted)(tried, upstream_id)
    return True


async def abandon(job: Job, provider_batch: ProviderBatch, why: str) -> None:
    """Nothing of it was or will be worked on there: its lines are called one by one."""
    log.warning("batch.not_handed_over", extra={"provider_batch": provider_batch.pk, "reason": why})
    items = await in_thread(lines_of)(provider_batch)
    await call_one_by_one(job, items)
    await in_thread(_note)(provider_batch, state=State.ABANDONED, last_error=why[:300], ended_at=timezone.now())


def note_submitted(provider_batch: ProviderBatch, upstream_id: str) -> None:
    """The provider has it."""
    _note(provider_batch, state=State.SUBMITTED, upstream_id=upstream_id, submitted_at=timezone.now())


def lines_of(provider_batch: ProviderBatch) -> list[BatchItem]:
    """Those of its lines that have not ended."""
    items = BatchItem.objects.for_org(provider_batch.org_id).filter(provider_batch=provider_batch)
    return list(items.filter(state=BatchItem.State.SUBMITTED).order_by("line"))


async def _hand_over(job: Job, intended: ProviderBatch, service: ProviderBatches) -> None:
    if intended.attempts and await find_attempt(job, intended, service):
        return
    if intended.attempts >= MOST_ATTEMPTS:
        await abandon(job, intended, intended.last_error or "it was tried too often")
        return
    await in_thread(_note_attempt)(intended)
    try:
        upstream_id = await service.submit(_intent_of(job, intended), _lines(job, intended))
    except ProviderBatchError as error:
        if error.permanent:
            await abandon(job, intended, str(error))
            return
        await in_thread(_note)(intended, last_error=str(error)[:300])
        raise
    await in_thread(note_submitted)(intended, upstream_id)


async def _lines(job: Job, intended: ProviderBatch) -> AsyncIterator[Line]:
    """As the provider shall get them, read anew from the input file."""
    model = job.shop.gateway.registry.find(intended.model)
    last = 0
    while items := await in_thread(_page_of)(intended, last):
        last = items[-1].line
        for item, raw in zip(items, await job.read(items), strict=True):
            call = job.call_of(item, raw)
            crossing = None if isinstance(call, Refusal) or model is None else crossing_for(call, model)
            if crossing is not None and not isinstance(crossing, Refusal):
                yield Line(request_id_of(item), crossing.request)


def _intent_of(job: Job, provider_batch: ProviderBatch) -> Intent:
    return Intent(
        marker=provider_batch.marker,
        wire=Wire(provider_batch.wire),
        lines=provider_batch.lines,
        made_at=provider_batch.created_at,
        beta=job.headers.get("HTTP_ANTHROPIC_BETA", ""),
    )


def _intended(job: Job) -> list[ProviderBatch]:
    mine = ProviderBatch.objects.for_org(job.org_id).filter(batch=job.batch, state=State.INTENDED)
    return list(mine.order_by("pk"))


def _page_of(intended: ProviderBatch, after: int) -> Sequence[BatchItem]:
    items = BatchItem.objects.for_org(intended.org_id).filter(provider_batch=intended, line__gt=after)
    return as_many_as_fit(items.filter(state=BatchItem.State.SUBMITTED).order_by("line")[:_PAGE])


def _known(provider: str) -> frozenset[str]:
    """The batches at this provider of which it is known whose they are."""
    named = ProviderBatch.objects.filter(provider=provider).exclude(upstream_id="")
    return frozenset(named.order_by("-pk").values_list("upstream_id", flat=True)[:10_000])


def _note_attempt(intended: ProviderBatch) -> None:
    ProviderBatch.objects.filter(pk=intended.pk).update(attempts=F("attempts") + 1)


def _note(provider_batch: ProviderBatch, **facts: object) -> None:
    ProviderBatch.objects.filter(pk=provider_batch.pk).update(**facts)
