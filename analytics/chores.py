"""Something a process does again and again, in its own rhythm, whatever becomes of the process's other chores."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import redis
from django.db import Error, close_old_connections

logger = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 5.0


class Chore:
    """`action` returns True when there is more to do at once; else it is done again after `every` seconds.

    Postgres or Redis being away is waited out, longer each time, and said in the log; anything else is a bug and
    passes through.
    """

    def __init__(self, name: str, action: Callable[[], bool | None], *, every: float) -> None:
        self.name = name
        self.due_at = 0.0
        self._action = action
        self._every = every
        self._failures = 0

    def do_if_due(self) -> None:
        if time.monotonic() >= self.due_at:
            self.do()

    def do(self) -> None:
        try:
            more = self._action()
        except (redis.RedisError, Error) as error:
            self._fail(error)
            return
        if self._failures:
            logger.info("chore.recovered", extra={"chore": self.name, "failures": self._failures})
            self._failures = 0
        self.due_at = time.monotonic() + (0.0 if more else self._every)

    def _fail(self, error: Exception) -> None:
        wait = min(FIRST_BACKOFF_SECONDS * 2**self._failures, LONGEST_BACKOFF_SECONDS)
        self._failures = min(self._failures + 1, 30)
        self.due_at = time.monotonic() + wait
        close_old_connections()  # a database connection that broke is replaced by the next attempt
        logger.warning(
            "chore.failed",
            extra={"chore": self.name, "error": type(error).__name__, "reason": str(error)[:300], "retry_in": wait},
        )
