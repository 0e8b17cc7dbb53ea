"""API key → Principal on the hot path: a bounded in-process cache over one SQL query, with revocation pushed to it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from governance.domain import PolicySnapshot, Principal, scopes_of
from governance.encryption import keyring
from governance.keys import digest_of, digests_of, looks_like_key
from governance.provider_keys import ACCOUNTS_OF_ORG, accounts_from

Pool = AsyncConnectionPool[AsyncConnection[Any]]


class KeyProblem(StrEnum):
    """Why a key does not let anyone in. All are 401; the words are safe to show."""

    MISSING = "no API key was given"
    INVALID = "the API key is not valid"
    REVOKED = "the API key has been revoked"
    EXPIRED = "the API key has expired"


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found for a key's digest, and when that was asked for (monotonic seconds)."""

    found: Principal | KeyProblem
    asked_at: float


_KEYS = f"""
SELECT p.*, k.id AS key_id, k.org_id, k.digested_with, k.scopes, k.revoked_at IS NOT NULL AS revoked,
       extract(epoch FROM k.expires_at)::float8 AS expires_at, {ACCOUNTS_OF_ORG} AS accounts
FROM governance_apikey k LEFT JOIN governance_policy p ON p.org_id = k.org_id
"""  # noqa: S608  # nosec B608 - put together from constants
_FIND_KEY = f"{_KEYS} WHERE k.digest = ANY(%s)"
_READ_KEY = f"{_KEYS} WHERE k.id = %s"

_KEEP_DIGEST = "UPDATE governance_apikey SET digest = %s, digested_with = %s WHERE id = %s"


class PrincipalDirectory:
    """Finds who a key belongs to. Refusals are remembered too, so that a wrong key in a loop costs no query.

    `pushed` says whether revocations are being pushed here; while they are not, nothing is believed for longer than a
    second, whenever it was read.
    """

    def __init__(self, pool: Pool, *, ttl: float, size: int) -> None:
        self._pool = pool
        self._ttl = ttl
        self._unpushed_ttl = min(ttl, 1.0)
        self._size = size
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._changes = 0
        self.pushed = False

    async def find(self, secret: str) -> Principal | KeyProblem:
        """Who presents this key. Raises psycopg's errors when the database is away and the key is not known."""
        if not secret:
            return KeyProblem.MISSING
        digest = digest_of(secret)
        known = self._known.get(digest)
        if known is None or known.asked_at + (self._ttl if self.pushed else self._unpushed_ttl) < time.monotonic():
            if not looks_like_key(secret):
                return KeyProblem.INVALID
            known = await self._look_up(digest, digests_of(secret))
        found = known.found
        if isinstance(found, Principal) and found.expires_at is not None and found.expires_at <= time.time():
            return KeyProblem.EXPIRED
        return found

    def forget_key(self, key_id: str) -> None:
        """Drop a key at once: it was revoked or changed."""
        self._forget(lambda principal: principal.key_id == key_id)

    def forget_org(self, org_id: str) -> None:
        """Drop every key of an organization: its policy, or its accounts with providers, changed."""
        self._forget(lambda principal: principal.org_id == org_id)

    def forget_all(self) -> None:
        """Drop everything: a push may have been missed."""
        self._forget(lambda _: True)

    def _forget(self, matches: Callable[[Principal], bool]) -> None:
        self._changes += 1
        for digest in [d for d, k in self._known.items() if isinstance(k.found, Principal) and matches(k.found)]:
            del self._known[digest]

    async def _look_up(self, digest: bytes, digests: list[bytes]) -> _Known:
        changes, asked_at = self._changes, time.monotonic()
        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_FIND_KEY, (digests,))
            row = await cursor.fetchone()
            if row is not None and row["digested_with"] != (current := keyring().current.id):
                await cursor.execute(_KEEP_DIGEST, (digest, current, row["key_id"]))
        known = _Known(_principal_of(row), asked_at)
        if changes != self._changes:
            return known  # what was read may be older than a revocation that was pushed meanwhile: do not keep it
        self._known[digest] = known
        self._known.move_to_end(digest)
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        return known


async def read_principal(pool: Pool, key_id: str) -> Principal | KeyProblem:
    """Who the key of this id belongs to now: for work that goes on when its request is over."""
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_READ_KEY, (key_id,))
        found = _principal_of(await cursor.fetchone())
    if isinstance(found, Principal) and found.expires_at is not None and found.expires_at <= time.time():
        return KeyProblem.EXPIRED
    return found


def _principal_of(row: dict[str, Any] | None) -> Principal | KeyProblem:
    if row is None:
        return KeyProblem.INVALID
    if row["revoked"]:
        return KeyProblem.REVOKED
    return Principal(
        org_id=str(row["org_id"]),
        key_id=str(row["key_id"]),
        scopes=scopes_of(row["scopes"]),
        policy=policy_of(row),
        expires_at=row["expires_at"],
        accounts=accounts_from(str(row["org_id"]), row["accounts"]),
    )


def policy_of(row: Mapping[str, Any]) -> PolicySnapshot:
    """The policy in a database row; an organization without one has no limits."""
    quality_bar, cache_enabled = row.get("quality_bar"), row.get("cache_enabled")
    semantic, error_target = row.get("semantic_cache_enabled"), row.get("semantic_error_target")
    return PolicySnapshot(
        version=row.get("version") or 0,
        allowed_models=frozenset(row.get("allowed_models") or ()),
        denied_models=frozenset(row.get("denied_models") or ()),
        baseline_model=row.get("baseline_model") or "",
        quality_bar=None if quality_bar is None else float(quality_bar),
        request_cost_cap_nano=row.get("request_cost_cap_nano"),
        daily_budget_nano=row.get("daily_budget_nano"),
        monthly_budget_nano=row.get("monthly_budget_nano"),
        requests_per_minute=row.get("requests_per_minute"),
        tokens_per_minute=row.get("tokens_per_minute"),
        max_concurrency=row.get("max_concurrency"),
        cache_enabled=cache_enabled is None or bool(cache_enabled),
        cache_ttl_seconds=row.get("cache_ttl_seconds"),
        cache_epoch=row.get("cache_epoch") or 0,
        semantic_cache_enabled=semantic is None or bool(semantic),
        semantic_error_target=None if error_target is None else float(error_target),
    )
