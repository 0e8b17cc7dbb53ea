"""Responses that are made in the background: rows of Postgres, claimed by whoever makes them.

A maker holds its claim by a lease and renews it. When it dies the lease runs out, and another begins anew under the
same request id, so that what is charged is charged once; after `MOST_ATTEMPTS` the response has failed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from governance.encryption import SecretUnreadable
from governance.principals import Pool
from inference.responses.sealing import Json, Turn, open_turn, place_of_job, seal, seal_turn, unseal

log = logging.getLogger(__name__)

LEASE_SECONDS = 30
MOST_ATTEMPTS = 3

_CLAIM = """
UPDATE inference_storedresponse AS kept
   SET status = 'in_progress', claim = %(claim)s, attempts = attempts + 1,
       claimed_until = now() + %(lease)s * interval '1 second'
 WHERE id IN (
       SELECT id FROM inference_storedresponse
        WHERE job IS NOT NULL AND (claimed_until IS NULL OR claimed_until < now())
        ORDER BY created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING id, org_id::text, key_id::text, attempts, sealed, job
"""
_RENEW = """
UPDATE inference_storedresponse SET claimed_until = now() + %s * interval '1 second'
 WHERE claim = %s AND id = ANY(%s) AND job IS NOT NULL
RETURNING id
"""
_FINISH = """
UPDATE inference_storedresponse
   SET status = %(status)s, sealed = %(sealed)b, size = %(size)s, item_ids = %(items)s,
       job = NULL, claim = NULL, claimed_until = NULL
 WHERE id = %(id)s AND org_id = %(org)s AND job IS NOT NULL AND (%(claim)s::uuid IS NULL OR claim = %(claim)s)
"""
_DROP = "DELETE FROM inference_storedresponse WHERE id = %s AND org_id = %s"
_OTHERS = "SELECT EXISTS (SELECT 1 FROM inference_storedresponse WHERE job IS NOT NULL AND claimed_until > now())"


@dataclass(frozen=True, slots=True)
class Job:
    """What it takes to make a response: the request with all that it refers to, and the headers that steer it."""

    request_id: str
    raw: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A response that is ours to make."""

    id: str
    org_id: str
    key_id: str
    attempts: int
    turn: Turn
    job: Job


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Job).decode


def seal_job(job: Job, *, org_id: str, response_id: str) -> bytes:
    return seal(_encode(job), org_id, place_of_job(response_id))


class Jobs:
    """The queue. Raises psycopg.Error when Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, claim: UUID, most: int) -> list[Claimed]:
        """Responses to make, the oldest first; none twice at the same time."""
        asked = {"claim": claim, "lease": LEASE_SECONDS, "most": most}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_CLAIM, asked)).fetchall()
        claimed = []
        for row in rows:
            try:
                claimed.append(await _claimed(row))
            except SecretUnreadable:
                log.error("background.unreadable", extra={"org_id": row[1]})
                await self._give_up(row[0], row[1])
        return claimed

    async def renew(self, claim: UUID, response_ids: Sequence[str]) -> set[str]:
        """Those that are still to be made: the others were cancelled or deleted."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_RENEW, (LEASE_SECONDS, claim, list(response_ids)))).fetchall()
        return {row[0] for row in rows}

    async def finish(self, org_id: str, turn: Turn, *, claim: UUID | None) -> bool:
        """How it ended; False when that was settled before. Without a claim: whoever makes it shall stop."""
        body = turn.body
        sealed, size = await seal_turn(turn, org_id=org_id, response_id=body["id"])
        row = {
            "id": body["id"], "org": org_id, "claim": claim, "status": body["status"],
            "items": turn.item_ids, "sealed": sealed, "size": size,
        }  # fmt: skip
        async with self._pool.connection() as connection:
            return bool((await connection.execute(_FINISH, row)).rowcount)

    async def others_at_work(self) -> bool:
        """Whether a maker is alive that will see to what is queued."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_OTHERS)).fetchone()
        return bool(row and row[0])

    async def _give_up(self, response_id: str, org_id: str) -> None:
        """It was sealed with a key that has gone, and cannot even say that it failed."""
        async with self._pool.connection() as connection:
            await connection.execute(_DROP, (response_id, org_id))


async def _claimed(row: Sequence[Any]) -> Claimed:
    response_id, org_id, key_id, attempts, sealed, job = row
    turn = await open_turn(bytes(sealed), org_id=org_id, response_id=response_id)
    opened = _decode(unseal(bytes(job), org_id, place_of_job(response_id)))
    return Claimed(response_id, org_id, key_id, attempts, turn, opened)


def failed(body: Json, message: str, code: str = "server_error") -> Json:
    """The response as it ended without an answer."""
    return {**body, "status": "failed", "error": {"code": code, "message": message}}
