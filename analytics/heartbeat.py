"""A gateway process says that it lives, so that its open calls are not taken for orphans."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

BEAT_SECONDS = 5.0

_BEAT = """
WITH forgotten AS (DELETE FROM analytics_gatewayprocess WHERE heartbeat_at < now() - interval '1 day' AND id <> %(id)s)
INSERT INTO analytics_gatewayprocess (id, heartbeat_at) VALUES (%(id)s, now())
ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()
"""


async def beat(pool: AsyncConnectionPool, process_id: str) -> None:
    """Beat once. Call it before the first request is served, then every `BEAT_SECONDS`. Raises psycopg.Error."""
    async with pool.connection() as connection:
        await connection.execute(_BEAT, {"id": UUID(process_id)})
