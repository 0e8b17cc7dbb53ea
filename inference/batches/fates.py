"""What becomes of lines that were not answered."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from typing import TypeVar

import psycopg
from django.db import Error

from governance.redis_pipe import RedisAway
from inference.batches.job import Job
from inference.batches.outcomes import Outcome, request_id_of, settle
from inference.domain import Refusal, RefusalKind
from inference.models.batches import Batch, BatchItem
from inference.worker import in_thread

State = BatchItem.State
T = TypeVar("T")

log = logging.getLogger(__name__)

OUR_FAULT = Refusal(RefusalKind.INTERNAL, "something went wrong inside Asahi")


class NotRecorded(Exception):  # noqa: N818 - it is the answer that is not
    """Neither Redis nor Postgres took the usage event: the line stays open, and its answer is collected again."""


async def guarded(work: Awaitable[T], item: BatchItem) -> T | None:
    """None when one line meets a fault of ours, which must not end the others; what concerns all of them passes."""
    try:
        return await work
    except (psycopg.Error, Error, RedisAway, NotRecorded):
        raise
    except Exception:
        log.exception("batch.line_failed", extra={"item": item.pk})
        return None


async def call_one_by_one(job: Job, items: Sequence[BatchItem]) -> None:
    """If there is time for it; else they end unanswered. What was reserved for them is given back."""
    if not items:
        return
    if job.is_ending:
        await end_unanswered(job, items)
        return
    await _give_back(job, items)
    await in_thread(_wait_for_a_call)(job.batch, items)


async def end_unanswered(job: Job, items: Sequence[BatchItem]) -> None:
    """Cancelled, or out of time."""
    await _give_back(job, items)
    state = State.CANCELLED if job.batch.status == Batch.Status.CANCELLING else State.EXPIRED
    await in_thread(settle)(job.batch, [Outcome(item.pk, state) for item in items])


async def _give_back(job: Job, items: Sequence[BatchItem]) -> None:
    held = [request_id_of(item) for item in items if item.held_nano]
    await job.shop.gatekeeper.forget(job.org_id, held)


def _wait_for_a_call(batch: Batch, items: Sequence[BatchItem]) -> None:
    """Under the same request id: nothing was charged under it, and nothing can be charged twice."""
    BatchItem.objects.for_org(batch.org_id).filter(pk__in=[item.pk for item in items], state=State.SUBMITTED).update(
        state=State.WAITING, live_only=True, plan=None, held_nano=0
    )
