"""Processes that serve no HTTP leave a sign of life in Redis, for `/health`."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from redis.exceptions import RedisError

from governance.notices import impatient_client

log = logging.getLogger(__name__)

STALE_AFTER_SECONDS = 45
_NAMES = ("worker", "recorder")


def keys_of_processes() -> dict[str, str]:
    """Process name → Redis key."""
    return {name: f"asahi:seen:{name}" for name in _NAMES}


def show_life(name: str) -> None:
    """Say that a process of this name is at work. With Redis away nobody hears it, and nothing else suffers."""
    try:
        client = impatient_client(settings.REDIS_URL)
        client.set(keys_of_processes()[name], repr(time.time()), ex=10 * STALE_AFTER_SECONDS)
    except (RedisError, OSError) as error:
        log.warning("sign_of_life.not_given", extra={"seen": name, "error": type(error).__name__})
