"""The one write door for usage events: onto the append-only stream, or into Postgres when the stream is away.

The gateway calls this on its hot path, so nothing here waits but `spool`, and nothing here knows a Redis client: the
caller sends `stream_command` inside the round trip it makes anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from analytics.domain import Event

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

FIELD = b"e"
_encoder = msgspec.json.Encoder()

_SPOOL = """
INSERT INTO analytics_spooledevent (event, created_at)
SELECT payload, now() FROM unnest(%b::bytea[]) AS payload
"""


def encode(event: Event) -> bytes:
    """The event as the stream and the spool carry it."""
    return _encoder.encode(event)


def stream_command(stream: str, payload: bytes) -> tuple[str, str, str, bytes, bytes]:
    """The words of the Redis command that appends one encoded event."""
    return ("XADD", stream, "*", FIELD, payload)


async def spool(pool: AsyncConnectionPool, payloads: Sequence[bytes]) -> None:
    """Keep encoded events in Postgres, durably once this returns; the recorder drains them like the stream.

    Raises psycopg.Error (or the pool's PoolTimeout, which is one) when Postgres cannot take them.
    """
    async with pool.connection() as connection:
        await connection.execute(_SPOOL, [list(payloads)])
