"""Telling every process that something changed, over Redis. A notice makes a change quick; it never makes it true.

Whoever listens also lets what it remembers expire, so a notice that is lost while Redis is away costs seconds, not
correctness, and the change itself must not fail for it.
"""

from __future__ import annotations

import logging
from functools import lru_cache

from django.conf import settings
from prometheus_client import Counter
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 0.25

NOTICES_LOST = Counter("asahi_notices_lost", "Notices to other processes that Redis did not take", ["channel"])


def publish(channel: str, payload: str) -> bool:
    """Announce something to every listening process. False, logged and counted, when Redis did not take it."""
    try:
        impatient_client(settings.REDIS_URL).publish(channel, payload)
    except (RedisError, OSError) as error:
        NOTICES_LOST.labels(channel).inc()
        log.warning("notice_lost", extra={"channel": channel, "error": type(error).__name__})
        return False
    return True


@lru_cache(maxsize=4)
def impatient_client(url: str) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
