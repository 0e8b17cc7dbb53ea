"""Governance's Celery tasks."""

from __future__ import annotations

from celery import shared_task

from governance import outbox
from governance.signs_of_life import show_life


@shared_task(name=outbox.DRAIN_TASK)
def drain_outbox() -> int:
    """Do what the outbox promises and is due. Returns how many messages were tried."""
    show_life("worker")
    return outbox.drain(limit=500)
