"""What the benchmark measures beside the gateway, on real databases; figures are not checked."""

from __future__ import annotations

import asyncio
from uuid import UUID

import numpy as np
import psycopg
import pytest
from django.conf import settings

from asahi_site.benchmark.instance import Databases
from asahi_site.benchmark.probes import InstanceProbes
from asahi_site.gateway_pool import make_pool
from caching.domain import CachedAnswer, Filing
from caching.exact import EntryFormat
from caching.postgres_store import PostgresStore
from governance.encryption import Keyring
from governance.models import Organization
from tests.served import database_url_of_tests

KEYS = Keyring.parse("00112233445566778899aabbccddeeff" * 2)


@pytest.fixture
def probes(committed: None) -> InstanceProbes:
    org_id = Organization.objects.create(name="measured").pk
    asyncio.run(_learn_something(org_id))
    return InstanceProbes(Databases(database_url_of_tests(), settings.REDIS_URL), org_id, KEYS)


async def _learn_something(org_id: UUID) -> None:
    pool = make_pool(database_url_of_tests())
    await pool.open()
    answer = CachedAnswer("chat", b"{}", "gpt-6-luna", "openai", b"", 0.0, "qa", 0.8, False)
    vector = np.eye(1, 384, dtype=np.float32)[0]
    store = PostgresStore(pool, EntryFormat(KEYS), KEYS, patience=5.0)
    await store.add(str(org_id), b"its scope", vector, text="one", answer=answer, filing=Filing(""), ttl_seconds=60)
    await pool.close()


def test_a_filled_store_is_searched_as_the_gateway_does_and_finds_what_is_nearest(probes):
    with psycopg.connect(probes.databases.database_url) as connection:
        indexes = connection.execute("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%hnsw%'").fetchone()
        probes.fill_store(400)
        assert connection.execute("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%hnsw%'").fetchone() == indexes
    found = probes.lookups(20)
    assert len(found.milliseconds) == 20
    assert found.recall >= 0.95
    assert len(found.plans) == 2
    assert "is searched by" in found.plans[0]


def test_admissions_reserve_and_are_given_back(probes):
    assert len(probes.admission(10)) == 10
