"""What T1 falls back to while Redis is gone: the answers this process got meanwhile, few and for a short time.

Nothing is kept here while Redis is there, and whatever was kept is forgotten when it comes back: a purge reaches every
process only through Redis.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from caching.domain import CachedAnswer

LONGEST_SECONDS = 60
_OVERHEAD = 600
"""Bytes that an entry takes beside its answer."""


class LocalAnswers:
    """Bounded in bytes; the answer not asked for the longest goes first."""

    def __init__(self, *, redis_is_there: Callable[[], bool], max_bytes: int) -> None:
        self._redis_is_there = redis_is_there
        self._max_bytes = max_bytes
        self._answers: OrderedDict[str, tuple[float, CachedAnswer]] = OrderedDict()
        self._bytes = 0

    def find(self, key: str) -> CachedAnswer | None:
        if not self._answers:
            return None
        if self._redis_is_there():
            self._forget_all()
            return None
        kept = self._answers.get(key)
        if kept is None:
            return None
        if kept[0] < time.monotonic():
            self._forget(key)
            return None
        self._answers.move_to_end(key)
        return kept[1]

    def keep(self, key: str, answer: CachedAnswer, *, ttl_seconds: int) -> None:
        """Only while Redis is gone."""
        if self._redis_is_there():
            self._forget_all()
            return
        size = len(answer.body) + _OVERHEAD
        if size > self._max_bytes:
            return
        self._forget(key)
        self._answers[key] = (time.monotonic() + min(ttl_seconds, LONGEST_SECONDS), answer)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._answers)))

    def _forget(self, key: str) -> None:
        kept = self._answers.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept[1].body) + _OVERHEAD

    def _forget_all(self) -> None:
        if self._answers:
            self._answers.clear()
            self._bytes = 0
