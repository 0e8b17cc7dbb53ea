"""A gateway process that beats is alive by the database's own clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

from django.utils import timezone
from psycopg_pool import AsyncConnectionPool

from analytics.heartbeat import beat
from analytics.models import GatewayProcess
from tests.analytics.test_spool import conninfo


async def _beat(*process_ids: str) -> None:
    async with AsyncConnectionPool(conninfo(), min_size=1, max_size=1, open=False) as pool:
        for process_id in process_ids:
            await beat(pool, process_id)


def test_each_beat_renews_the_process(committed_org):
    process_id = str(uuid4())
    asyncio.run(_beat(process_id))
    first = GatewayProcess.objects.get(pk=process_id).heartbeat_at
    asyncio.run(_beat(process_id))
    assert first < GatewayProcess.objects.get(pk=process_id).heartbeat_at <= timezone.now()


def test_processes_silent_for_a_day_are_forgotten_but_one_that_wakes_up_is_not(committed_org):
    long_silent, waking, silent = (uuid4() for _ in range(3))
    for process_id, hours in ((long_silent, 25), (waking, 25), (silent, 23)):
        GatewayProcess.objects.create(id=process_id, heartbeat_at=timezone.now() - timedelta(hours=hours))
    asyncio.run(_beat(str(waking)))
    left = set(GatewayProcess.objects.filter(pk__in=[long_silent, waking, silent]).values_list("pk", flat=True))
    assert left == {waking, silent}
