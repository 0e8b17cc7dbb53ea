"""The recorder's end of the event stream: a Redis consumer group in which nothing is lost when a consumer dies.

An entry leaves the stream only when it is recorded (or buried in the dead-letter stream with the reason), so the oldest
entry still in it tells how far behind the recorders are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import redis

from analytics.door import FIELD
from analytics.intake import Entry

GROUP = "recorder"
ABANDONED_AFTER_MS = 10_000
CONSUMER_FORGOTTEN_AFTER_MS = 3_600_000


def connect(url: str, *, timeout: float = 5.0) -> redis.Redis:
    """A client that gives up fast and does not retry: the recorder's own backoff does, and it says so in the log."""
    return redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=min(timeout, 2.0), retry=None)


class EventStream:
    """One consumer of the stream. Every method raises redis.RedisError when Redis is away."""

    def __init__(self, client: redis.Redis, stream: str, *, consumer: str) -> None:
        self._client = client
        self._stream = stream
        self._consumer = consumer
        self._graveyard = dead_letters(stream)

    def read(self, count: int, *, block_ms: int | None = None) -> list[Entry]:
        """Entries nobody has read yet; waits up to `block_ms` for the first (None: does not wait)."""
        reply = self._in_group(
            lambda: self._client.xreadgroup(GROUP, self._consumer, {self._stream: ">"}, count=count, block=block_ms)
        )
        return [entry for _, entries in reply or [] for entry in _entries(entries)]

    def claim_abandoned(self, count: int, *, idle_ms: int) -> list[Entry]:
        """Entries that a consumer (also this one) read so long ago and never finished; they are ours now."""
        reply = self._in_group(
            lambda: self._client.xautoclaim(self._stream, GROUP, self._consumer, idle_ms, count=count)
        )
        return _entries(reply[1])

    def finish(self, entries: Iterable[Entry]) -> None:
        """Remove entries that are recorded."""
        names = [entry.id for entry in entries]
        if not names:
            return
        with self._client.pipeline(transaction=True) as pipe:
            pipe.xack(self._stream, GROUP, *names)
            pipe.xdel(self._stream, *names)
            pipe.execute()

    def bury(self, entry: Entry, reason: str, *, in_stream: bool = True) -> None:
        """Keep an entry that can never be recorded where a person finds it, and take it out of the stream."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.xadd(self._graveyard, {FIELD: entry.payload, "reason": reason, "id": entry.id})
            if in_stream:
                pipe.xack(self._stream, GROUP, entry.id)
                pipe.xdel(self._stream, entry.id)
            pipe.execute()

    def oldest_age_seconds(self) -> float | None:
        """How long the oldest entry not yet recorded has waited, by Redis's own clock; None when there is none."""
        return oldest_age_seconds(self._client, self._stream)

    def leave(self) -> None:
        """Take this consumer, and those dead for long, out of the group; never one that still holds entries."""
        for other in self._in_group(lambda: self._client.xinfo_consumers(self._stream, GROUP)):
            name = other["name"].decode()
            gone = name == self._consumer or other["idle"] > CONSUMER_FORGOTTEN_AFTER_MS
            if gone and not other["pending"]:
                self._client.xgroup_delconsumer(self._stream, GROUP, name)

    def _in_group(self, command: Callable[[], Any]) -> Any:
        """Run a command of the group. A new or emptied Redis has none yet: it is created, and the command run again.

        The group starts at the stream's beginning, so that nothing in it is skipped.
        """
        try:
            return command()
        except redis.ResponseError as error:
            if not str(error).startswith(("NOGROUP", "no such key", "ERR no such key")):
                raise
        try:
            self._client.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        return command()


def dead_letters(stream: str) -> str:
    """The stream that keeps what could not be recorded."""
    return f"{stream}:dead"


def oldest_age_seconds(client: redis.Redis, stream: str) -> float | None:
    """Seconds the oldest entry of a stream has waited, or None when it is empty."""
    with client.pipeline(transaction=False) as pipe:
        pipe.xrange(stream, count=1)
        pipe.time()
        oldest, (seconds, microseconds) = pipe.execute()
    if not oldest:
        return None
    now_ms: int = seconds * 1000 + microseconds // 1000
    return max(0, now_ms - int(oldest[0][0].split(b"-")[0])) / 1000


def _entries(reply: Iterable[tuple[bytes, dict[bytes, bytes] | None]]) -> list[Entry]:
    """An entry without our field has an empty payload, which the intake turns away by name."""
    return [Entry(name.decode(), (fields or {}).get(FIELD, b"")) for name, fields in reply]
