"""Kept responses in Postgres, for the event loop. Every statement names the organization: an id alone finds nothing.

A response can be fetched until it expires; a conversation can be continued for as long as its last turn can, however
old its first ones are. What its owner deletes is gone for those who would continue it, too.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from caching.exact import mark
from governance.encryption import SecretUnreadable
from governance.principals import Pool
from inference.responses.jobs import Jobs
from inference.responses.sealing import Json, Turn, open_turn, seal_turn

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 1.5
"""How long the end of an answer may wait for being kept."""

_LONGEST_THREAD = 1000
_LONGEST_ID = 120

_KEEP = """
INSERT INTO inference_storedresponse
       (id, org_id, previous_id, status, background, item_ids, sealed, size, created_at, expires_at, end_user, job,
        key_id, attempts)
VALUES (%(id)s, %(org)s, %(previous)s, %(status)s, %(background)s, %(items)s, %(sealed)b, %(size)s, now(),
        now() + %(days)s * interval '1 day', %(user)b, %(job)b, %(key)s, 0)
"""
_THREAD = """
WITH RECURSIVE thread AS (
    SELECT id, previous_id, status, sealed, size::bigint AS bytes, 0 AS depth FROM inference_storedresponse
     WHERE id = %(id)s AND org_id = %(org)s AND expires_at > now()
    UNION ALL
    SELECT earlier.id, earlier.previous_id, earlier.status, earlier.sealed, thread.bytes + earlier.size,
           thread.depth + 1
      FROM inference_storedresponse earlier JOIN thread ON earlier.id = thread.previous_id
     WHERE earlier.org_id = %(org)s AND thread.depth < %(most)s AND thread.bytes < %(bytes)s
)
SELECT id, previous_id, status, sealed, bytes FROM thread ORDER BY depth DESC
"""
_FIND = """
SELECT sealed, background, status FROM inference_storedresponse WHERE id = %s AND org_id = %s AND expires_at > now()
"""
_ITEMS = """
SELECT id, sealed FROM (
    SELECT id, sealed, created_at, sum(size) OVER (ORDER BY created_at DESC, id) AS bytes
      FROM inference_storedresponse
     WHERE org_id = %s AND item_ids && %s::varchar[] AND expires_at > now()
) AS found WHERE bytes <= %s ORDER BY created_at
"""
_DELETE = "DELETE FROM inference_storedresponse WHERE id = %s AND org_id = %s AND expires_at > now()"


def new_response_id() -> str:
    """Not to be guessed: whoever is in the organization and has it may read the response."""
    return f"resp_{secrets.token_hex(24)}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A response that was found."""

    turn: Turn
    background: bool
    status: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A response that cannot be continued, as it has no output (yet)."""

    status: str


class TooLong:
    """A conversation of more bytes than one request may have."""


class ResponseStore:
    """The responses of all organizations. Raises psycopg.Error when Postgres is away, where nothing else is said."""

    def __init__(self, pool: Pool, *, days: int, max_bytes: int, enabled: bool) -> None:
        """`max_bytes` is how long a conversation may get. `enabled` is False in a deployment that keeps no bodies: then
        nothing is kept and nothing found."""
        self._pool = pool
        self._days = days
        self._max_bytes = max_bytes
        self._late: set[asyncio.Task[None]] = set()
        self.jobs = Jobs(pool)
        self.enabled = enabled

    async def keep(self, org_id: str, turn: Turn, *, end_user: str = "") -> bool:
        """Whether it is kept now. An answer does not wait for long: Postgres being away makes it one that is not."""
        if not self.enabled:
            return False
        keeping = asyncio.create_task(self.insert(org_id, turn, end_user=end_user))
        self._late.add(keeping)
        keeping.add_done_callback(self._late.discard)
        await asyncio.wait((keeping,), timeout=_PATIENCE_SECONDS)
        error = None if not keeping.done() else keeping.exception()
        if error is not None and not isinstance(error, psycopg.Error):
            raise error
        if error is not None or not keeping.done():
            log.error("response.not_kept", extra={"error": "late" if error is None else type(error).__name__})
            return False
        return True

    async def insert(
        self, org_id: str, turn: Turn, *, end_user: str = "", job: bytes | None = None, key_id: str | None = None
    ) -> None:
        """`job` and `key_id` are those of a response that is still to be made."""
        body = turn.body
        sealed, size = await seal_turn(turn, org_id=org_id, response_id=body["id"])
        row = {
            "id": body["id"],
            "org": org_id,
            "previous": body.get("previous_response_id") or "",
            "status": body["status"],
            "background": bool(body.get("background")),
            "items": turn.item_ids,
            "sealed": sealed,
            "size": size,
            "days": self._days,
            "user": mark(org_id, "user", end_user) if end_user else b"",
            "job": job,
            "key": key_id,
        }
        async with self._pool.connection() as connection:
            await connection.execute(_KEEP, row)

    async def thread(self, org_id: str, response_id: str) -> list[Turn] | Unfinished | TooLong | None:
        """The turns up to this response, first to last; None when it, or one before it, is not there."""
        if not self._possible(response_id):
            return None
        asked = {"id": response_id, "org": org_id, "most": _LONGEST_THREAD, "bytes": self._max_bytes}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_THREAD, asked)).fetchall()
        if rows and (rows[0][4] > self._max_bytes or len(rows) > _LONGEST_THREAD):
            return TooLong()
        if not rows or rows[0][1]:
            return None
        status = rows[-1][2]
        if status not in ("completed", "incomplete"):
            return Unfinished(status)
        return await self._opened(org_id, [(row[0], row[3]) for row in rows])

    async def find(self, org_id: str, response_id: str) -> Kept | None:
        if not self._possible(response_id):
            return None
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_FIND, (response_id, org_id))).fetchone()
        turns = None if row is None else await self._opened(org_id, [(response_id, row[0])])
        if row is None or not turns:
            return None
        turn = Turn(turns[0].given, {**turns[0].body, "status": row[2]})  # one that is being made says so in its row
        return Kept(turn, background=row[1], status=row[2])

    async def items(self, org_id: str, item_ids: Sequence[str]) -> dict[str, Json]:
        """The items that are kept under these ids."""
        possible = [item_id for item_id in item_ids if self._possible(item_id)]
        if not possible:
            return {}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_ITEMS, (org_id, possible, self._max_bytes))).fetchall()
        turns = await self._opened(org_id, rows) or []
        found = {item["id"]: item for turn in turns for item in turn.items if item.get("id")}
        return {item_id: found[item_id] for item_id in item_ids if item_id in found}

    async def delete(self, org_id: str, response_id: str) -> bool:
        """False when there is none."""
        if not self._possible(response_id):
            return False
        async with self._pool.connection() as connection:
            return bool((await connection.execute(_DELETE, (response_id, org_id))).rowcount)

    async def drain(self) -> None:
        """At shutdown: wait for what is being kept."""
        await asyncio.gather(*self._late, return_exceptions=True)

    def _possible(self, name: str) -> bool:
        return self.enabled and 0 < len(name) <= _LONGEST_ID and "\0" not in name

    @staticmethod
    async def _opened(org_id: str, rows: Sequence[tuple[Any, ...]]) -> list[Turn] | None:
        """None when one was sealed with a key that has gone."""
        try:
            return [await open_turn(bytes(sealed), org_id=org_id, response_id=row_id) for row_id, sealed in rows]
        except SecretUnreadable:
            log.error("response.unreadable", extra={"org_id": org_id})
            return None
