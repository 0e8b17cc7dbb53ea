"""T2's store with its vectors in Pinecone. Questions and answers stay in Postgres, sealed, and Postgres says what
holds: a vector without its row is never served.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from caching.domain import CachedAnswer, Filing, Neighbour, StoreError
from caching.pinecone import Pinecone
from caching.postgres_store import PostgresStore, new_entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class PineconeStore:
    """See `caching.domain.SemanticStore`. Vectors of another length than the index has are kept in Postgres."""

    def __init__(self, pinecone: Pinecone, postgres: PostgresStore) -> None:
        self._pinecone = pinecone
        self._postgres = postgres

    async def nearest(self, org_id: str, scope: bytes, vector: NDArray[np.float32], count: int) -> Sequence[Neighbour]:
        if len(vector) != (await self._pinecone.place()).dimensions:
            return await self._postgres.nearest(org_id, scope, vector, count)
        near = await self._pinecone.nearest(org_id, scope, vector, count)
        return await self._postgres.neighbours(org_id, near) if near else []

    async def answer(self, org_id: str, entry: str) -> CachedAnswer | None:
        return await self._postgres.answer(org_id, entry)

    async def add(
        self, org_id: str, scope: bytes, vector: NDArray[np.float32], *,
        text: str, answer: CachedAnswer, filing: Filing, ttl_seconds: int, name: str = "",
    ) -> str:  # fmt: skip
        """The vector first: a purge goes by the rows in Postgres, and must find what is here already."""
        if len(vector) != (await self._pinecone.place()).dimensions:
            return await self._postgres.add(
                org_id, scope, vector, text=text, answer=answer, filing=filing, ttl_seconds=ttl_seconds, name=name
            )
        entry = new_entry()
        await self._pinecone.put(org_id, str(entry), scope, vector)
        try:
            await self._postgres.keep(
                org_id, entry, text=text, answer=answer, filing=filing, ttl_seconds=ttl_seconds, name=name
            )
        except StoreError:
            with suppress(StoreError):
                await self._pinecone.forget(org_id, [str(entry)])
            raise
        return str(entry)

    async def remove(self, org_id: str, entry: str) -> bool:
        """Postgres first: from then on it is not served."""
        if not await self._postgres.remove(org_id, entry):
            return False
        await self._pinecone.forget(org_id, [entry])
        return True

    async def aclose(self) -> None:
        """Lets its connections go."""
        await self._pinecone.aclose()
