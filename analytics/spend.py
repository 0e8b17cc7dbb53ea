"""What an organization has spent this day and month, as budgets count it: read from the rollups, told to admission.

The figures told are absolute and read under one lock, so that neither a repeat, nor two recorders at once, nor a Redis
that lost everything can make a budget wrong by more than what is in flight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import redis
from django.db import connection, transaction

from analytics import ids
from governance.admission import RECORD, Spent, record_words

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

_ONE_TELLER = 0x0A5A_0003

_SPENT = """
SELECT org.id,
       COALESCE(sum(cost_nano) FILTER (WHERE bucket_at = date_trunc('day', %(at)s::timestamptz, 'UTC')), 0)::bigint,
       COALESCE(sum(cost_nano), 0)::bigint
FROM unnest(%(orgs)s::uuid[]) AS org (id)
LEFT JOIN analytics_usagerollup AS bucket
    ON bucket.org_id = org.id AND bucket.grain = 'd' AND bucket.tag = ''
    AND bucket.bucket_at >= date_trunc('month', %(at)s::timestamptz, 'UTC') AND bucket.bucket_at <= %(at)s
GROUP BY org.id
"""

_RECORDED = """
SELECT asked.request_id
FROM unnest(%(ids)s::uuid[], %(started)s::timestamptz[]) AS asked (request_id, started_at)
WHERE EXISTS (
    SELECT FROM analytics_ledgerentry AS entry
    WHERE entry.request_id = asked.request_id AND entry.started_at = asked.started_at
)
"""


class LedgerSpend:
    """Governance's source of what was spent, over the gateway's asynchronous pool."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def spent(self, org_id: str, at: datetime) -> Spent:
        """Raises psycopg.Error when Postgres is away."""
        async with self._pool.connection() as async_connection:
            cursor = await async_connection.execute(_SPENT, {"orgs": [UUID(org_id)], "at": at})
            row = await cursor.fetchone()
        assert row is not None
        return Spent(day_nano=row[1], month_nano=row[2])

    async def recorded(self, request_ids: Sequence[str]) -> set[str]:
        """Those that the ledger has. Raises psycopg.Error when Postgres is away."""
        asked = {
            "ids": [ids.to_uuid(request_id) for request_id in request_ids],
            "started": [ids.started_at(request_id) for request_id in request_ids],
        }
        async with self._pool.connection() as async_connection:
            cursor = await async_connection.execute(_RECORDED, asked)
            return {ids.from_uuid(row[0]) for row in await cursor.fetchall()}


class SpendTeller:
    """Tells admission what the recorder has recorded; keeps what it could not tell for the next time."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._untold: defaultdict[UUID, set[str]] = defaultdict(set)

    def note(self, requests: Iterable[tuple[UUID, str]]) -> None:
        """These requests of these organizations are in the ledger now."""
        for org_id, request_id in requests:
            self._untold[org_id].add(request_id)

    def note_spenders(self) -> None:
        """Every organization that spent this month: for a start, after which nobody knows what was told last."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT org_id FROM analytics_usagerollup "
                "WHERE grain = 'd' AND bucket_at >= date_trunc('month', now(), 'UTC')"
            )
            for (org_id,) in cursor.fetchall():
                self._untold[org_id].update()

    def tell(self) -> None:
        """Raises redis.RedisError or django.db.Error; what was noted is then still noted."""
        if not self._untold:
            return
        at = datetime.now(UTC)
        with transaction.atomic():
            self._send(at, _spent_by_org(self._untold, at))
        self._untold.clear()

    def _send(self, at: datetime, spent_by_org: Mapping[UUID, Spent]) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.script_load(RECORD.source)
            for org_id, spent in spent_by_org.items():
                _, key_count, *words = record_words(
                    str(org_id), at=at, spent=spent, request_ids=sorted(self._untold[org_id]), always=True
                )
                pipe.evalsha(RECORD.digest.decode(), int(key_count), *words)
            pipe.execute()


def _spent_by_org(org_ids: Iterable[UUID], at: datetime) -> dict[UUID, Spent]:
    """Read under a lock that is held until the figures are told: an older figure never overwrites a newer one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_TELLER])
        cursor.execute(_SPENT, {"orgs": sorted(org_ids), "at": at})
        return {org_id: Spent(day_nano=day, month_nano=month) for org_id, day, month in cursor.fetchall()}
