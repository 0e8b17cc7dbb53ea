"""Documents that an organization named: sent once, and referred to by the name from then on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import uuid_utils

from caching.domain import Filing
from caching.exact import marks_of
from caching.workflow.digests import digest_of
from caching.workflow.sealing import TextSeal
from governance.principals import Pool

_SEALED_AT_ONCE = 128 * 1024
"""Characters that may be sealed on the event loop; more are in a thread."""

_RENEW = """
UPDATE caching_workflowdocument SET expires_at = now() + %(days)s * interval '1 day', stored_at = now()
 WHERE org_id = %(org)s AND name = %(name)s AND digest = %(digest)b AND expires_at > now() RETURNING id
"""
_KEEP = """
INSERT INTO caching_workflowdocument
       (id, org_id, name, digest, sealed, size, key_id, marks, stored_at, expires_at)
SELECT %(id)s, %(org)s::uuid, %(name)s::varchar, %(digest)b, %(sealed)b, %(size)s::bigint, %(key)s, %(marks)b::bytea[],
       now(), now() + %(days)s * interval '1 day'
 WHERE (SELECT coalesce(sum(size), 0) FROM caching_workflowdocument
         WHERE org_id = %(org)s::uuid AND name <> %(name)s::varchar AND expires_at > now())
       + %(size)s::bigint <= %(quota)s
ON CONFLICT (org_id, name) DO UPDATE
   SET digest = EXCLUDED.digest, sealed = EXCLUDED.sealed, size = EXCLUDED.size, key_id = EXCLUDED.key_id,
       marks = EXCLUDED.marks, stored_at = EXCLUDED.stored_at, expires_at = EXCLUDED.expires_at
RETURNING id
"""
_FIND = """
SELECT sealed FROM caching_workflowdocument WHERE org_id = %(org)s AND name = %(name)s AND expires_at > now()
"""


@dataclass(frozen=True, slots=True)
class Document:
    """A document to the letter."""

    text: str
    digest: bytes


def document_of(text: str) -> Document:
    return Document(text, digest_of(text))


class DocumentStore:
    """The documents of all organizations, in Postgres. Raises psycopg.Error."""

    def __init__(self, pool: Pool, seal: TextSeal, *, days: int, quota: int) -> None:
        """`quota` is how many bytes an organization may keep, all documents together."""
        self._pool = pool
        self._seal = seal
        self._days = days
        self._quota = quota

    async def keep(self, org_id: str, name: str, document: Document, filing: Filing) -> bool:
        """In place of what was kept under this name. False when the organization has no room for it."""
        row: dict[str, Any] = {"org": org_id, "name": name, "digest": document.digest, "days": self._days}
        if await self._rows(_RENEW, row):
            return True
        row |= {
            "id": UUID(bytes=uuid_utils.uuid7().bytes),
            "sealed": await self._sealed(org_id, name, document),
            "size": len(document.text.encode("utf-8", "surrogatepass")),
            "key": filing.key_id,
            "marks": list(marks_of(org_id, filing)),
            "quota": self._quota,
        }
        return bool(await self._rows(_KEEP, row))

    async def find(self, org_id: str, name: str) -> Document | None:
        """What is kept under this name now."""
        for (kept,) in await self._rows(_FIND, {"org": org_id, "name": name}):
            text = await asyncio.to_thread(self._seal.open, bytes(kept), org_id, place_of(name))
            return None if text is None else document_of(text)
        return None

    async def _sealed(self, org_id: str, name: str, document: Document) -> bytes:
        if len(document.text) > _SEALED_AT_ONCE:
            return await asyncio.to_thread(self._seal.seal, document.text, org_id, place_of(name))
        return self._seal.seal(document.text, org_id, place_of(name))

    async def _rows(self, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()


def place_of(name: str) -> str:
    """What a sealed document is bound to, so that it opens nowhere else."""
    return f"t3 document {name}"
