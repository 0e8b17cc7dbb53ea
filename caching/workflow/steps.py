"""What was worked out of chunks of documents, by what it depends on and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import uuid_utils

from caching.domain import Filing
from caching.exact import marks_of
from caching.workflow.sealing import TextSeal
from governance.principals import Pool

_FIND = """
SELECT key, sealed FROM caching_workflowstep
 WHERE org_id = %(org)s AND key = ANY(%(keys)s::bytea[]) AND expires_at > now()
"""
_KEEP = """
INSERT INTO caching_workflowstep (id, org_id, key, step, model, sealed, key_id, marks, stored_at, expires_at)
VALUES (%(id)s, %(org)s, %(key)b, %(step)s, %(model)s, %(sealed)b, %(api_key)s, %(marks)b,
        now() - %(age)s * interval '1 second', now() + %(seconds)s * interval '1 second')
ON CONFLICT (org_id, key) DO UPDATE
   SET sealed = EXCLUDED.sealed, marks = EXCLUDED.marks, stored_at = EXCLUDED.stored_at,
       expires_at = EXCLUDED.expires_at
"""


@dataclass(frozen=True, slots=True)
class StepResult:
    """The text that one step brought."""

    key: bytes
    step: str
    model: str
    text: str


class Steps(Protocol):
    """Results of steps, by organization and key. Raises psycopg.Error when they cannot be reached."""

    async def find(self, org_id: str, keys: Sequence[bytes]) -> Mapping[bytes, str]:
        """The texts of those that are there."""

    async def keep(
        self, org_id: str, result: StepResult, filing: Filing, *, ttl_seconds: int, age_seconds: float
    ) -> None:
        """`age_seconds`: how long ago the request came that it was worked out for."""


class StepStore:
    """See `Steps`; in Postgres."""

    def __init__(self, pool: Pool, seal: TextSeal) -> None:
        self._pool = pool
        self._seal = seal

    async def find(self, org_id: str, keys: Sequence[bytes]) -> Mapping[bytes, str]:
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_FIND, {"org": org_id, "keys": list(keys)})).fetchall()
        texts = {bytes(key): self._seal.open(bytes(kept), org_id, _place(bytes(key))) for key, kept in rows}
        return {key: text for key, text in texts.items() if text is not None}

    async def keep(
        self, org_id: str, result: StepResult, filing: Filing, *, ttl_seconds: int, age_seconds: float
    ) -> None:
        row: dict[str, Any] = {
            "id": UUID(bytes=uuid_utils.uuid7().bytes),
            "org": org_id,
            "key": result.key,
            "step": result.step,
            "model": result.model,
            "sealed": self._seal.seal(result.text, org_id, _place(result.key)),
            "api_key": filing.key_id,
            "marks": list(marks_of(org_id, filing)),
            "seconds": ttl_seconds,
            "age": age_seconds,
        }
        async with self._pool.connection() as connection:
            await connection.execute(_KEEP, row)


def _place(key: bytes) -> str:
    return f"t3 step {key.hex()}"
