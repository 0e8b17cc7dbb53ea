"""Who answers an idempotent request, and what was answered: one row of Postgres per key, so that it outlives Redis.

A claim is held by a lease. Whoever holds it answers the request and keeps the answer; when its process dies the lease
runs out, and the next attempt takes the claim over.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, LiteralString, TypeVar
from uuid import UUID, uuid4

import psycopg

from governance.encryption import SecretUnreadable, keyring
from governance.principals import Pool

T = TypeVar("T")

log = logging.getLogger(__name__)

LEASE_SECONDS = 30
KEPT_HOURS = 24
_RENEWED_EVERY_SECONDS = 10
_MOST_OWED = 200
"""Answers that may wait in memory for a Postgres that is away."""

_CLAIM = """
INSERT INTO inference_idempotentcall AS known
       (id, org_id, key_digest, fingerprint, lease_until, expires_at)
VALUES (%(id)s, %(org)s, %(key)s, %(fingerprint)s, now() + %(lease)s * interval '1 second',
        now() + %(kept)s * interval '1 hour')
ON CONFLICT (org_id, key_digest) DO UPDATE
   SET id = excluded.id, fingerprint = excluded.fingerprint, lease_until = excluded.lease_until,
       expires_at = excluded.expires_at, answered_at = NULL, status = NULL, headers = NULL, body = NULL
 WHERE known.expires_at < now()
    OR (known.answered_at IS NULL AND known.lease_until < now() AND known.fingerprint = excluded.fingerprint)
RETURNING id
"""
_READ = """
SELECT id, fingerprint, answered_at IS NOT NULL, status, headers, body
  FROM inference_idempotentcall WHERE org_id = %s AND key_digest = %s AND expires_at >= now()
"""
_KEEP = """
UPDATE inference_idempotentcall SET answered_at = now(), status = %s, headers = %s, body = %s
 WHERE id = %s AND org_id = %s
"""
_RENEW = "UPDATE inference_idempotentcall SET lease_until = now() + %s * interval '1 second' WHERE id = ANY(%s)"
_GIVE_UP = "DELETE FROM inference_idempotentcall WHERE id = %s AND org_id = %s AND answered_at IS NULL"

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right, and the duty, to answer a request."""

    id: UUID
    org_id: str


@dataclass(frozen=True, slots=True)
class Saved:
    """What was answered before. `body` is None for an answer that was too large to keep, or cannot be read again."""

    status: int
    headers: RawHeaders
    body: bytes | None


class Running:
    """The first request under this key is still being answered."""


class Reused:
    """The key was given to another request."""


Found = Claim | Saved | Running | Reused


class Claims:
    """The claims of all organizations, and the work on those that this process holds.

    Raises psycopg.Error when Postgres is away and a claim cannot be taken: it is not known then who answers.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: dict[UUID, Claim] = {}
        self._owed: dict[UUID, tuple[LiteralString, tuple[Any, ...]]] = {}
        """What Postgres could not be told of claims that have ended; they are held until it can."""
        self._work: set[asyncio.Task[Any]] = set()

    async def take(self, org_id: str, key: str, fingerprint: bytes) -> Found | None:
        """A claim on the request, or what became of it. None when it vanished meanwhile: ask again."""
        digest = hashlib.sha256(key.encode()).digest()
        asked = {"id": uuid4(), "org": org_id, "key": digest, "fingerprint": fingerprint}
        async with self._pool.connection() as connection:
            taken = await connection.execute(_CLAIM, {**asked, "lease": LEASE_SECONDS, "kept": KEPT_HOURS})
            row = await taken.fetchone()
            known = None if row else await (await connection.execute(_READ, (org_id, digest))).fetchone()
        if row is not None:
            claim = self._held[row[0]] = Claim(row[0], org_id)
            return claim
        if known is None:
            return None
        claim_id, its_fingerprint, answered, status, headers, body = known
        if bytes(its_fingerprint) != fingerprint:
            return Reused()
        if not answered:
            return Running()
        return Saved(status, _unpacked(headers), None if body is None else _opened(body, org_id, claim_id))

    async def keep(self, claim: Claim, status: int, headers: RawHeaders, body: bytes | None) -> None:
        """From now on every attempt gets this answer."""
        sealed = None if body is None else keyring().seal_bytes(body, org_id=claim.org_id, place=_place(claim.id))
        await self._end(claim, _KEEP, (status, _packed(headers), sealed, claim.id, claim.org_id))

    async def give_up(self, claim: Claim) -> None:
        """The request came to nothing: the next attempt begins anew."""
        await self._end(claim, _GIVE_UP, (claim.id, claim.org_id))

    def work_on(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something for a claim that goes on when the client has gone: its next attempt will ask for it."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._worked)
        return task

    async def hold(self) -> None:
        """Renews the leases of this process, for as long as it serves."""
        while True:
            await asyncio.sleep(_RENEWED_EVERY_SECONDS)
            if self._held:
                try:
                    await self.renew()
                except psycopg.Error as error:
                    log.warning("idempotency.leases_not_renewed", extra={"error": type(error).__name__})

    async def renew(self) -> None:
        """Holds what is being answered for longer, and says what could not be said before. Raises psycopg.Error."""
        async with self._pool.connection() as connection:
            for claim_id, (statement, values) in list(self._owed.items()):
                await connection.execute(statement, values)
                del self._owed[claim_id], self._held[claim_id]
            await connection.execute(_RENEW, (LEASE_SECONDS, list(self._held)))

    async def drain(self) -> None:
        """At shutdown, once no call runs any more: wait until what was answered is kept."""
        await asyncio.gather(*self._work, return_exceptions=True)

    async def _end(self, claim: Claim, statement: LiteralString, values: tuple[Any, ...]) -> None:
        """The answer is there and charged: the caller gets it, and further attempts wait until it could be kept."""
        try:
            async with self._pool.connection() as connection:
                await connection.execute(statement, values)
            self._held.pop(claim.id, None)
        except psycopg.Error as error:
            log.error("idempotency.not_kept", extra={"error": type(error).__name__})
            if len(self._owed) < _MOST_OWED:
                self._owed[claim.id] = (statement, values)
            else:
                self._held.pop(claim.id, None)

    def _worked(self, task: asyncio.Task[Any]) -> None:
        self._work.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited for it has it; nobody may be left to


def _opened(sealed: bytes, org_id: str, claim_id: UUID) -> bytes | None:
    """None when it was sealed with a key that has gone: an answer that cannot be read was still charged."""
    try:
        return keyring().open_bytes(bytes(sealed), org_id=org_id, place=_place(claim_id))
    except SecretUnreadable:
        return None


def _place(claim_id: UUID) -> str:
    return f"idempotent answer {claim_id}"


def _packed(headers: RawHeaders) -> bytes:
    return b"\n".join(name + b":" + value for name, value in headers)


def _unpacked(packed: bytes) -> RawHeaders:
    pairs = (line.partition(b":") for line in bytes(packed).split(b"\n") if line)
    return [(name, value) for name, _, value in pairs]
