"""Simulated prompt caches of the providers: which start of a prompt was seen a short while ago.

OpenAI's finds any equal start by itself, in steps of 128 tokens from 1,024 on. Anthropic's keeps only what the caller
marked, up to four times in a prompt.
"""

from __future__ import annotations

import hashlib
import time
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from inference.simulator import tokens
from inference.simulator.prompts import Segment

FIVE_MINUTES = 300
ONE_HOUR = 3600
SMALLEST_PREFIX = 1024
STEP = 128
LOOKBACK_SEGMENTS = 20
_KEPT_PREFIXES = 200_000


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens read from and written to a prompt cache; `written_1h` is the part of `written` kept for an hour."""

    read: int = 0
    written: int = 0
    written_1h: int = 0


class _Kept:
    """Digests of prefixes and when each is forgotten; bounded, the longest unused goes first."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def has(self, digest: bytes, now: float) -> bool:
        return self._until.get(digest, 0.0) > now

    def keep(self, digest: bytes, until: float) -> None:
        self._until[digest] = max(until, self._until.get(digest, 0.0))
        self._until.move_to_end(digest)
        if len(self._until) > _KEPT_PREFIXES:
            self._until.popitem(last=False)

    def clear(self) -> None:
        self._until.clear()


class AutomaticCache:
    """Remembers every prompt's start for five minutes; the owner (provider and model) is part of the key."""

    def __init__(self) -> None:
        self._kept = _Kept()

    def use(self, owner: str, segments: Sequence[Segment], *, total: int) -> CacheUse:
        if total < SMALLEST_PREFIX:
            return CacheUse()
        now = time.monotonic()
        digests = self._digests(owner, segments)
        known = 0
        for size, digest in digests:
            if self._kept.has(digest, now):
                known = size
        for _, digest in digests:
            self._kept.keep(digest, now + FIVE_MINUTES)
        return CacheUse(read=known)

    def clear(self) -> None:
        self._kept.clear()

    @staticmethod
    def _digests(owner: str, segments: Sequence[Segment]) -> list[tuple[int, bytes]]:
        """A digest of the first 1,024 tokens and of every 128 more."""
        ids = array("I", (token for segment in segments for token in (*tokens.encode(segment.text), 0)))
        digest = hashlib.blake2b(owner.encode(), digest_size=16)
        sizes = range(SMALLEST_PREFIX, len(ids) + 1, STEP)
        found = []
        start = 0
        for size in sizes:
            digest.update(ids[start:size].tobytes())
            found.append((size, digest.digest()))
            start = size
        return found


class MarkedCache:
    """Remembers the prefixes that end in a mark, for as long as the mark says; reading one renews it."""

    def __init__(self) -> None:
        self._kept = _Kept()

    def use(self, owner: str, segments: Sequence[Segment], *, smallest: int) -> CacheUse:
        ends = list(accumulate(segment.tokens for segment in segments))
        marks = [index for index, segment in enumerate(segments) if segment.cache_seconds and ends[index] >= smallest]
        if not marks:
            return CacheUse()
        now = time.monotonic()
        digests = self._digests(owner, segments[: marks[-1] + 1])
        hit = self._longest_hit(digests, marks, now)
        read = ends[hit] if hit is not None else 0
        written_1h = written = 0
        for mark in marks:
            seconds = segments[mark].cache_seconds or FIVE_MINUTES
            self._kept.keep(digests[mark], now + seconds)
            fresh = max(0, ends[mark] - read - written)
            written += fresh
            written_1h += fresh if seconds > FIVE_MINUTES else 0
        return CacheUse(read=read, written=written, written_1h=written_1h)

    def clear(self) -> None:
        self._kept.clear()

    def _longest_hit(self, digests: list[bytes], marks: list[int], now: float) -> int | None:
        """The provider looks back a limited number of blocks from each mark, the last mark first."""
        for mark in reversed(marks):
            for index in range(mark, max(-1, mark - LOOKBACK_SEGMENTS), -1):
                if self._kept.has(digests[index], now):
                    return index
        return None

    @staticmethod
    def _digests(owner: str, segments: Sequence[Segment]) -> list[bytes]:
        digest = hashlib.blake2b(owner.encode(), digest_size=16)
        found = []
        for segment in segments:
            text = segment.text.encode()
            digest.update(len(text).to_bytes(4, "big") + text)
            found.append(digest.digest())
        return found
