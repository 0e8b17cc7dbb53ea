"""Advancing batches: a worker takes the one whose turn it is, does for a while what there is to do, and lets it go.

    validating → in_progress → finalizing → completed
        ↓            ↓ cancelled or out of time: what nobody works on ends, what a provider works on is waited for
      failed     cancelled, expired

Whatever a step finds half done, it finishes: a worker may die anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
from django.conf import settings
from django.utils import timezone

from inference.batches import claims
from inference.batches.collection import collect_submitted
from inference.batches.ending import (
    begin_finalizing,
    cancel_unbegun,
    end_what_waits,
    finish,
    is_done,
    validate,
)
from inference.batches.fates import NotRecorded
from inference.batches.job import Job, open_job
from inference.batches.live import call_lines
from inference.batches.planning import plan_lines
from inference.batches.submission import abandon_intended, submit_intended
from inference.batches.waking import wake_worker
from inference.models.batches import Batch, BatchItem
from inference.providers.batches import ProviderBatchError
from inference.worker import Workshop, in_thread, run_stint

log = logging.getLogger(__name__)

_SLICE_SECONDS = 10.0
_LATEST_ANSWERS = timedelta(hours=2)
"""How long after its end a batch waits for a provider that was told to stop."""


def advance_batches() -> int:
    """Advance what is due, for one stint. Returns how many turns were taken."""
    if not claims.due().exists():
        return 0
    turns = run_stint(_work)
    if claims.due().exists():
        wake_worker()
    return turns


async def _work(shop: Workshop) -> int:
    ends, turns = time.monotonic() + settings.ASAHI.batches.stint_seconds, 0
    while time.monotonic() < ends:
        batch = await in_thread(claims.claim_next)()
        if batch is None:
            break
        turns += 1
        await take_turn(shop, batch, until=min(ends, time.monotonic() + _SLICE_SECONDS))
    return turns


async def take_turn(shop: Workshop, batch: Batch, *, until: float) -> None:
    """One turn of a batch that is claimed. Whatever goes wrong is this batch's trouble alone."""
    try:
        job = await in_thread(open_job)(shop, batch, until=until)
        async with _claimed(job):
            again_in = await advance(job)
        await in_thread(claims.let_go)(batch, again_in=again_in)
    except (ProviderBatchError, NotRecorded) as error:
        log.warning("batch.setback", extra={"batch": batch.pk, "error": type(error).__name__, "reason": str(error)})
        await in_thread(claims.let_go_after_setback)(batch, f"{type(error).__name__}: {error}")
    except Exception as error:  # anything, for the others' sake: it is tried again, later each time
        log.exception("batch.turn_failed", extra={"batch": batch.pk})
        await in_thread(claims.let_go_after_setback)(batch, f"{type(error).__name__}: {error}")


async def advance(job: Job) -> float | None:
    """Do what there is to do. Returns in how many seconds there is more; None when it is over."""
    batch = job.batch
    if batch.status == Batch.Status.VALIDATING:
        await in_thread(validate)(batch, job.file)
    if batch.status == Batch.Status.CANCELLING and batch.in_progress_at is None and not batch.total:
        await in_thread(cancel_unbegun)(batch)
    if batch.status in _OVER:
        return None
    if batch.status != Batch.Status.FINALIZING:
        await _progress(job)
        if job.claim_lost or not await in_thread(is_done)(batch):
            return await _pause(job)
        await in_thread(begin_finalizing)(batch)
    await in_thread(finish)(batch)
    return None


_OVER = frozenset({Batch.Status.FAILED, Batch.Status.COMPLETED, Batch.Status.EXPIRED, Batch.Status.CANCELLED})


async def _progress(job: Job) -> None:
    await job.refresh()
    if not job.is_ending:
        await plan_lines(job)
    if job.is_ending:
        await abandon_intended(job)
    elif not await in_thread(_undecided)(job.batch):
        await submit_intended(job)
    await collect_submitted(job, give_up=timezone.now() > job.batch.expires_at + _LATEST_ANSWERS)
    if not job.is_ending:
        await call_lines(job)
    if job.is_ending and not job.claim_lost:
        await end_what_waits(job)
    if job.setback is not None:
        raise job.setback


async def _pause(job: Job) -> float:
    if job.pause:
        return job.pause
    working = (BatchItem.State.WAITING, BatchItem.State.RUNNING)
    items = BatchItem.objects.for_org(job.batch.org_id).filter(batch=job.batch, state__in=working)
    return 0.0 if await in_thread(items.exists)() else settings.ASAHI.batches.poll_seconds


def _undecided(batch: Batch) -> bool:
    waiting = BatchItem.objects.for_org(batch.org_id).filter(batch=batch, state=BatchItem.State.WAITING)
    return waiting.filter(live_only=False).exists()


@asynccontextmanager
async def _claimed(job: Job) -> AsyncIterator[None]:
    """Keeps the claim while the turn lasts, and says when it was lost."""
    keeping = asyncio.create_task(_keep_claim(job))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep_claim(job: Job) -> None:
    claim = job.batch.claim
    assert claim is not None, "only a claimed batch is advanced"
    while not job.claim_lost:
        await asyncio.sleep(claims.RENEWED_EVERY_SECONDS)
        try:
            job.claim_lost = not await claims.renew(job.shop.pool, job.batch.pk, claim)
        except psycopg.Error as error:
            log.warning("batch.claim_not_renewed", extra={"batch": job.batch.pk, "error": type(error).__name__})
