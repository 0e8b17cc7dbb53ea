"""Telling a worker that a batch is due. The rows are the truth: without a broker, beat finds them."""

from __future__ import annotations

import logging

from celery import current_app
from kombu.exceptions import KombuError
from redis import RedisError

log = logging.getLogger(__name__)

ADVANCE_TASK = "inference.advance_batches"
CLEAR_TASK = "inference.clear_files"


def wake_worker() -> None:
    try:
        current_app.send_task(ADVANCE_TASK, retry=False)
    except (KombuError, RedisError, OSError):
        log.warning("batches.wake_failed", exc_info=True)
