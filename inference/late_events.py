"""Usage events that neither Redis nor Postgres would take: kept and tried again until one of the two is back.

Their answers are given all the same, since each such call has a durable started record, which is billed at its estimate
if this process should die before.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

import hiredis
import psycopg

from analytics import door
from governance.principals import Pool
from governance.redis_pipe import RedisAway, RedisPipe, pack

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5
_MOST_KEPT = 100_000


class LateEvents:
    """The events of one gateway process that are not written yet."""

    def __init__(self, pipe: RedisPipe, pool: Pool, stream: str) -> None:
        self._pipe = pipe
        self._pool = pool
        self._stream = stream
        self._payloads: deque[bytes] = deque()

    def keep(self, payload: bytes) -> None:
        """Write it as soon as possible."""
        if len(self._payloads) >= _MOST_KEPT:
            log.critical("event.lost", extra={"kept": len(self._payloads)})
            return
        self._payloads.append(payload)

    async def run(self) -> None:
        """Tries until cancelled."""
        while True:
            await asyncio.sleep(_RETRY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what can be written now."""
        while self._payloads:
            if not await self._write(self._payloads[0]):
                return
            self._payloads.popleft()

    async def _write(self, payload: bytes) -> bool:
        try:
            (reply,) = await self._pipe.submit(pack(*door.stream_command(self._stream, payload)))
            if not isinstance(reply, hiredis.ReplyError):
                return True
        except RedisAway:
            log.debug("event.late")
        try:
            await door.spool(self._pool, [payload])
        except (psycopg.Error, OSError) as error:
            log.error("event.not_written", extra={"kept": len(self._payloads), "error": type(error).__name__})
            return False
        return True
