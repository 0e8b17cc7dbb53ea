"""Telling a worker that responses wait to be made. The rows are the truth: without a broker, beat finds them."""

from __future__ import annotations

import logging

from celery import current_app
from kombu.exceptions import KombuError
from redis import RedisError

log = logging.getLogger(__name__)

MAKE_TASK = "inference.make_responses"
CLEAR_TASK = "inference.clear_responses"


def wake_makers() -> None:
    try:
        current_app.send_task(MAKE_TASK, retry=False)
    except (KombuError, RedisError, OSError):
        log.warning("background.wake_failed", exc_info=True)
