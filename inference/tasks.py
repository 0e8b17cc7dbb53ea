"""Inference's Celery tasks."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from inference import housekeeping as answers
from inference.batches import engine, housekeeping, waking
from inference.models import StoredResponse
from inference.responses.housekeeping import clear_expired
from inference.responses.making import Maker
from inference.responses.waking import CLEAR_TASK, MAKE_TASK
from inference.worker import Workshop, run_stint


@shared_task(name=MAKE_TASK)
def make_responses() -> int:
    """Make the responses that wait in the background. Returns how many were begun."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=timezone.now())
    if not StoredResponse.objects.filter(free, job__isnull=False).exists():
        return 0
    return run_stint(_make)


async def _make(workshop: Workshop) -> int:
    return await Maker(workshop, at_a_time=settings.ASAHI.responses.background_at_a_time).run()


@shared_task(name=waking.ADVANCE_TASK)
def advance_batches() -> int:
    """Advance the batches that are due. Returns how many turns were taken."""
    return engine.advance_batches()


@shared_task(name=waking.CLEAR_TASK)
def clear_files() -> int:
    """Delete files and lines that have expired. Returns how many."""
    return housekeeping.clear_files()


@shared_task(name=CLEAR_TASK)
def clear_responses() -> int:
    """Delete responses that have expired. Returns how many."""
    return clear_expired()


@shared_task(name=answers.CLEAR_TASK)
def clear_idempotent_calls() -> int:
    """Delete the answers of idempotent requests that have expired. Returns how many."""
    return answers.clear_idempotent_calls()
