"""Caching's Celery tasks."""

from __future__ import annotations

from celery import shared_task

from caching import purging


@shared_task(name="caching.clear_expired")
def clear_expired() -> int:
    """Delete cached answers that have run out. Returns how many entries."""
    return purging.clear_expired()
