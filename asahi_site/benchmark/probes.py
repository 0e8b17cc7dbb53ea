"""Measures parts of the product on the benchmark's own databases: see `inference.bench.probes`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from analytics.ids import new_request_id
from analytics.spend import LedgerSpend
from asahi_site.benchmark.instance import Databases
from asahi_site.benchmark.store_filling import Share, fill
from asahi_site.gateway_pool import make_pool
from caching.exact import EntryFormat, key_of
from caching.postgres_store import PostgresStore, nearest_query
from caching.semantic import NEIGHBOURS
from governance.admission import Ask
from governance.domain import PolicySnapshot, Principal, Scope
from governance.encryption import Keyring
from governance.gatekeeper import SCRIPTS, Gatekeeper
from governance.principals import Pool
from governance.redis_pipe import RedisPipe
from inference.bench.probes import Lookups

T = TypeVar("T")

_PATIENCE_SECONDS = 30.0
_OUT_OF_REACH = 2_000_000_000
_LIMITED = PolicySnapshot(
    version=1, allowed_models=frozenset(), denied_models=frozenset(), baseline_model="", quality_bar=None,
    request_cost_cap_nano=None, daily_budget_nano=10**15, monthly_budget_nano=10**15,
    requests_per_minute=_OUT_OF_REACH, tokens_per_minute=_OUT_OF_REACH, max_concurrency=_OUT_OF_REACH,
    cache_enabled=True, cache_ttl_seconds=None, cache_epoch=0, semantic_cache_enabled=True, semantic_error_target=None,
)  # fmt: skip


@dataclass(slots=True)
class InstanceProbes:
    """`org_id` is the organization that T2 is measured with, `keyring` opens what the instance seals."""

    databases: Databases
    org_id: UUID
    keys: Keyring
    _shares: Sequence[Share] = ()

    def admission(self, count: int) -> Sequence[float]:
        return self._with_pool(lambda pool: self._admit(pool, count))

    def fill_store(self, entries: int) -> None:
        self._shares = fill(self.databases.database_url, org_id=self.org_id, entries=entries, keys=self.keys)

    def lookups(self, count: int) -> Lookups:
        return self._with_pool(lambda pool: self._search(pool, count))

    def _with_pool(self, work: Callable[[Pool], Awaitable[T]]) -> T:
        async def run() -> T:
            pool = make_pool(self.databases.database_url)
            await pool.open()
            try:
                return await work(pool)
            finally:
                await pool.close()

        return asyncio.run(run())

    async def _admit(self, pool: Pool, count: int) -> Sequence[float]:
        pipe = RedisPipe(
            self.databases.redis_url, preload=[script.load() for script in SCRIPTS], timeout=_PATIENCE_SECONDS
        )
        await pipe.start()
        gatekeeper = Gatekeeper(pipe, LedgerSpend(pool))
        principal = Principal(str(self.org_id), "", frozenset({Scope.INFER}), _LIMITED, None)
        ask = Ask("", key_of(str(self.org_id), "0" * 40), reserve_nano=1_000_000, tokens=1000, read_t1=True)
        waits = []
        try:
            for _ in range(count):
                asked = replace(ask, request_id=new_request_id())
                begun = time.perf_counter()
                await gatekeeper.admit(principal, asked)
                waits.append((time.perf_counter() - begun) * 1000)
                gatekeeper.release(asked.request_id)
                await asyncio.sleep(0)
        finally:
            await pipe.stop()
        return waits

    async def _search(self, pool: Pool, count: int) -> Lookups:
        store = PostgresStore(pool, EntryFormat(self.keys), self.keys, patience=_PATIENCE_SECONDS)
        waits, right = [], 0
        with psycopg.connect(self.databases.database_url, autocommit=True) as exact:
            register_vector(exact)
            for share, vector in _questions(self._shares, count):
                begun = time.perf_counter()
                found = await store.nearest(str(share.org_id), share.scope, vector, NEIGHBOURS)
                waits.append((time.perf_counter() - begun) * 1000)
                right += bool(found) and found[0].similarity >= _greatest(exact, share, vector) - 1e-6
        plans = [await _plan(pool, share) for share in (self._shares[-1], self._shares[0])]
        return Lookups(waits, right / count, plans)


def _questions(shares: Sequence[Share], count: int) -> Sequence[tuple[Share, NDArray[np.float32]]]:
    """Each a little beside a question that was asked before; of each organization by its size."""
    generator = np.random.default_rng()
    sizes = np.array([len(share.vectors) for share in shares])
    asked = []
    for place in generator.choice(len(shares), count, p=sizes / sizes.sum()):
        vectors = shares[place].vectors
        near = vectors[generator.integers(len(vectors))]
        vector = near + generator.standard_normal(len(near), dtype=np.float32) * (0.3 / np.sqrt(len(near)))
        asked.append((shares[place], (vector / np.linalg.norm(vector)).astype(np.float32)))
    return asked


def _greatest(connection: psycopg.Connection, share: Share, vector: NDArray[np.float32]) -> float:
    """By an exact search: without the length in its type, a vector is in no index."""
    row = connection.execute(
        "SELECT max(-(vector <#> %s)) FROM caching_semanticvector WHERE org_id = %s AND scope = %s",
        [HalfVector(vector), share.org_id, share.scope],
    ).fetchone()
    assert row is not None
    return float(row[0])


async def _plan(pool: Pool, share: Share) -> str:
    """Which index the search of a scope goes by."""
    asked = {
        "org": share.org_id, "scope": share.scope, "vector": HalfVector(share.vectors[0]), "count": NEIGHBOURS,
    }  # fmt: skip
    async with pool.connection() as connection:
        told = await connection.execute("EXPLAIN (FORMAT JSON) " + nearest_query(share.vectors.shape[1]), asked)
        ((plans,),) = await told.fetchall()
    return f"a scope of {len(share.vectors):,} entries is searched by {_way_in(plans[0]['Plan'])}"


def _way_in(node: Mapping[str, Any]) -> str:
    """The index, or whatever else, by which a plan comes to the vectors."""
    inner = [said for part in node.get("Plans", ()) if (said := _way_in(part))]
    if inner:
        return inner[0]
    index = str(node.get("Index Name", ""))
    if index.startswith(("t2_vectors", "caching_semanticvector")):
        return index
    return str(node["Node Type"]) if node.get("Relation Name") == "caching_semanticvector" else ""
