"""T2's store in Postgres with pgvector: one round trip to find neighbours, one to fetch the answer that is served.

Only rows of one organization and one scope are compared. Where those are few, the planner reads them by `(org, scope)`
and sorts; where they are many, it walks the HNSW index, which goes on until it has enough of them (`relaxed_order`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import uuid_utils
from pgvector import HalfVector
from pgvector.psycopg.halfvec import register_halfvec_info
from psycopg import AsyncConnection
from psycopg.types import TypeInfo

from caching.domain import CachedAnswer, Filing, Neighbour, StoreError
from caching.exact import EntryFormat, marks_of
from governance.encryption import Keyring, SecretUnreadable
from governance.principals import Pool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SESSION_OPTIONS = (
    "-c hnsw.iterative_scan=relaxed_order -c hnsw.ef_search=100 -c plan_cache_mode=force_custom_plan "
    "-c random_page_cost=1.1"
)
"""How connections that search are opened. A generic plan would not know how many rows a scope has. With random pages as
dear as on a turning disk, the planner would walk the index, which misses some, where reading the scope's rows misses
none and is as quick."""

_NEAREST = """
SELECT near.answer_id, answer.question, answer.name, near.similarity
  FROM (SELECT answer_id, -(vector::halfvec({size}) <#> %(vector)b::halfvec({size})) AS similarity
          FROM caching_semanticvector
         WHERE org_id = %(org)s AND scope = %(scope)b AND dimensions = {size}
         ORDER BY vector::halfvec({size}) <#> %(vector)b::halfvec({size}) LIMIT %(count)s) near
  JOIN caching_semanticanswer answer ON answer.id = near.answer_id
 WHERE answer.org_id = %(org)s AND answer.expires_at > now()
 ORDER BY near.similarity DESC
"""
_ANSWER = """
SELECT entry FROM caching_semanticanswer WHERE id = %(id)s AND org_id = %(org)s AND expires_at > now()
"""
_KEEP = """
INSERT INTO caching_semanticanswer
       (id, org_id, name, question, entry, task, model, key_id, marks, document, stored_at, expires_at)
VALUES (%(id)s, %(org)s, %(name)s, %(question)b, %(entry)b, %(task)s, %(model)s, %(key)s, %(marks)b, %(document)b,
        %(stored_at)s, %(expires_at)s) RETURNING id
"""
_ADD = f"""
WITH kept AS ({_KEEP})
INSERT INTO caching_semanticvector (answer_id, org_id, scope, dimensions, vector)
SELECT id, %(org)s, %(scope)b, %(dimensions)s, %(vector)b FROM kept
"""  # noqa: S608  # nosec B608 - of our own text
_NAMED = """
SELECT id, question, name FROM caching_semanticanswer
 WHERE id = ANY(%(ids)s) AND org_id = %(org)s AND expires_at > now()
"""
_REMOVE = """
WITH gone AS (DELETE FROM caching_semanticvector WHERE answer_id = %(id)s AND org_id = %(org)s)
DELETE FROM caching_semanticanswer WHERE id = %(id)s AND org_id = %(org)s RETURNING id
"""


def nearest_query(size: int) -> str:
    """The search among vectors of this length. Asks for `org`, `scope`, `vector` and `count`."""
    return _NEAREST.format(size=size)


async def learn_types(connection: AsyncConnection[Any]) -> None:
    """Teaches a new connection pgvector's type, when the database has it."""
    info = await TypeInfo.fetch(connection, "halfvec")
    if info is not None:
        register_halfvec_info(connection, info)


class PostgresStore:
    """See `caching.domain.SemanticStore`. Waits no longer than `patience` seconds for any of its queries."""

    def __init__(self, pool: Pool, entries: EntryFormat, keyring: Keyring | None, *, patience: float) -> None:
        self._pool = pool
        self._entries = entries
        self._keyring = keyring
        self._patience = patience

    async def nearest(self, org_id: str, scope: bytes, vector: NDArray[np.float32], count: int) -> Sequence[Neighbour]:
        asked = {"org": org_id, "scope": scope, "vector": HalfVector(vector), "count": count}
        neighbours = []
        for entry, question, name, similarity in await self._rows(nearest_query(len(vector)), asked):
            text = self._question(org_id, entry, bytes(question))
            if text is not None:
                neighbours.append(Neighbour(str(entry), text, similarity, str(name)))
        return neighbours

    async def answer(self, org_id: str, entry: str) -> CachedAnswer | None:
        for (kept,) in await self._rows(_ANSWER, {"id": UUID(entry), "org": org_id}):
            return self._entries.read(org_id, _place("entry", entry), bytes(kept))
        return None

    async def add(
        self, org_id: str, scope: bytes, vector: NDArray[np.float32], *,
        text: str, answer: CachedAnswer, filing: Filing, ttl_seconds: int, name: str = "",
    ) -> str:  # fmt: skip
        entry = new_entry()
        row = self._row(org_id, entry, text=text, answer=answer, filing=filing, ttl_seconds=ttl_seconds, name=name)
        vectored = {"scope": scope, "dimensions": len(vector), "vector": HalfVector(vector)}
        await self._rows(_ADD, row | vectored)
        return str(entry)

    async def keep(
        self, org_id: str, entry: UUID, *, text: str, answer: CachedAnswer, filing: Filing, ttl_seconds: int, name: str
    ) -> None:
        """An entry whose vector is elsewhere. Raises StoreError."""
        row = self._row(org_id, entry, text=text, answer=answer, filing=filing, ttl_seconds=ttl_seconds, name=name)
        await self._rows(_KEEP, row)

    async def neighbours(self, org_id: str, near: Sequence[tuple[str, float]]) -> Sequence[Neighbour]:
        """Those of these entries, found elsewhere, that still hold, in their order. Raises StoreError."""
        ids = [id for entry, _ in near if (id := _uuid_of(entry)) is not None]
        rows = await self._rows(_NAMED, {"ids": ids, "org": org_id})
        found = {str(id): (bytes(kept), str(name)) for id, kept, name in rows}
        neighbours = []
        for entry, similarity in near:
            kept, name = found.get(entry, (None, ""))
            text = None if kept is None else self._question(org_id, entry, kept)
            if text is not None:
                neighbours.append(Neighbour(entry, text, similarity, name))
        return neighbours

    async def remove(self, org_id: str, entry: str) -> bool:
        return bool(await self._rows(_REMOVE, {"id": UUID(entry), "org": org_id}))

    async def _rows(self, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Waits for `patience` at most. What takes longer goes on by itself, within the pool's own bounds: to cancel it
        would mean to wait for the very server that does not answer."""
        work = asyncio.create_task(self._ask(query, values))
        work.add_done_callback(_forgive)
        done, _ = await asyncio.wait({work}, timeout=self._patience)
        if not done:
            raise StoreError("the store of T2 did not answer in time")
        try:
            return work.result()
        except (psycopg.Error, OSError) as error:
            raise StoreError(f"{type(error).__name__}: {error}") from error

    async def _ask(self, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            answered = await connection.execute(query, values)
            return [] if answered.description is None else await answered.fetchall()

    def _row(
        self, org_id: str, entry: UUID, *, text: str, answer: CachedAnswer, filing: Filing, ttl_seconds: int, name: str
    ) -> dict[str, Any]:
        return {
            "id": entry,
            "org": org_id,
            "name": UUID(name) if name else uuid4(),
            "question": self._sealed(org_id, entry, text),
            "entry": self._entries.pack(org_id, _place("entry", entry), answer, filing),
            "task": answer.task,
            "model": answer.model,
            "key": filing.key_id,
            "marks": list(marks_of(org_id, filing)),
            "document": filing.document,
            "stored_at": datetime.fromtimestamp(answer.stored_at, UTC),
            "expires_at": datetime.now(UTC) + timedelta(seconds=ttl_seconds),
        }

    def _sealed(self, org_id: str, entry: UUID, text: str) -> bytes:
        if self._keyring is None:
            return text.encode()
        return self._keyring.seal(text, org_id=org_id, place=_place("question", entry))

    def _question(self, org_id: str, entry: UUID | str, kept: bytes) -> str | None:
        """None for one that was sealed with a key that has gone."""
        if self._keyring is None:
            return kept.decode(errors="replace")
        try:
            return self._keyring.open(kept, org_id=org_id, place=_place("question", entry))
        except SecretUnreadable:
            return None


def new_entry() -> UUID:
    """Entries of one time lie together."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


def _uuid_of(entry: str) -> UUID | None:
    try:
        return UUID(entry)
    except ValueError:
        return None


def _forgive(work: asyncio.Task[Any]) -> None:
    if not work.cancelled():
        work.exception()


def _place(what: str, entry: UUID | str) -> str:
    return f"t2 {what} {entry}"
