"""Admission: may this request be served, and may this money be spent? One Redis round trip, shared with the T1 read.

A request that may cost money reserves its worst case; `settle` replaces that by the real cost, which stays held until
the ledger has recorded it (`record_spent`). So spent (from the ledger) + held (by request id) is what budgets are
compared with: it heals by itself, and a Redis that lost everything is primed again from the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from governance.domain import PolicySnapshot, Principal
from governance.redis_pipe import Command, Reply, pack
from governance.scripts import Script

_LUA = Path(__file__).parent / "lua"
_LEASE_MS = 60_000  # renewed by the gateway's heartbeat while the request runs
_FLIGHT_MS = 30_000  # whoever waits for another process's call waits no longer than this for one that died
_HOLD_MS = 3_600_000  # a settled cost the ledger never recorded is let go after an hour


ADMIT = Script(_LUA / "admit.lua")
SETTLE = Script(_LUA / "settle.lua")
RECORD = Script(_LUA / "record.lua")
RENEW = Script(_LUA / "renew.lua")


class Limit(StrEnum):
    """Which limit refused a request, as `admit.lua` names it."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    CONCURRENCY = "concurrency"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request wants. `reserve_nano` is its worst case; None when it joins another and cannot cost anything.

    `flight_key` is where it says that it is getting this answer for everyone, unless another already is; empty when it
    goes alone.
    """

    request_id: str
    t1_key: str
    reserve_nano: int | None
    tokens: int
    read_t1: bool
    counts: bool = True
    flight_key: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Go on. `holds` is True when there is something to settle. `minute` is when, by Redis's clock; 0 without Redis."""

    holds: bool
    minute: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """T1 has the answer: the cache entry's bytes."""

    entry: bytes


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another process is getting this very answer; nothing was reserved. `request_id` is whose flight it is."""

    request_id: bytes


@dataclass(frozen=True, slots=True)
class Denied:
    """A limit is reached. `retry_after` is seconds; None when this request is larger than the limit allows at all."""

    limit: Limit
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Cold:
    """Redis does not know what was spent: prime it from the ledger and ask again."""


Verdict = Admitted | Hit | Elsewhere | Denied | Cold


@dataclass(frozen=True, slots=True)
class Spent:
    """What the ledger says an organization spent, in nano-USD."""

    day_nano: int
    month_nano: int


class SpendSource(Protocol):
    """Reads the ledger. Implemented by analytics, handed in by the wiring."""

    async def spent(self, org_id: str, at: datetime) -> Spent: ...

    async def recorded(self, request_ids: Sequence[str]) -> set[str]:
        """Those of the requests that the ledger has."""
        ...


def _keys(org_id: str) -> tuple[str, str, str, str, str]:
    """rate, spend, reservations, leases, active: all in the organization's hash slot."""
    base = f"asahi:gov:{{{org_id}}}:"
    return base + "rate", base + "spend", base + "reserved", base + "leases", base + "active"


def day_field(at: datetime) -> str:
    return f"d:{at:%Y%m%d}"


def month_field(at: datetime) -> str:
    return f"m:{at:%Y%m}"


@lru_cache(maxsize=2)
def _fields_of(day: int) -> tuple[str, str]:
    """The day's and the month's field; `day` counts from the epoch. Kept, since formatting costs more than asking."""
    at = datetime.fromtimestamp(day * 86_400, UTC)
    return day_field(at), month_field(at)


def admit_command(principal: Principal, ask: Ask) -> Command:
    """The command that asks for admission and reads T1. Its reply goes to `verdict_of`."""
    policy = principal.policy
    day, month = _fields_of(int(time.time()) // 86_400)
    rate, spend, reserved, leases, active = _keys(principal.org_id)
    return pack(
        b"EVALSHA", ADMIT.digest, 7,
        ask.t1_key, rate, spend, reserved, leases, active, ask.flight_key or ask.t1_key,
        ask.request_id, day, month,
        -1 if ask.reserve_nano is None else ask.reserve_nano, ask.tokens,
        _limit(policy.requests_per_minute), _limit(policy.tokens_per_minute), _limit(policy.max_concurrency),
        _limit(policy.daily_budget_nano), _limit(policy.monthly_budget_nano),
        _LEASE_MS, int(ask.read_t1), int(ask.counts), _FLIGHT_MS if ask.flight_key else 0,
    )  # fmt: skip


def verdict_of(reply: Reply, policy: PolicySnapshot) -> Verdict:
    """What `admit.lua` answered."""
    word = reply[0]
    if word == b"hit":
        return Hit(reply[1])
    if word == b"elsewhere":
        return Elsewhere(reply[1])
    if word == b"ok":
        return Admitted(needs_settling(policy), reply[1])
    if word == b"cold":
        return Cold()
    limit = Limit(reply[1].decode())
    return Denied(limit, _retry_after(limit, reply[2]))


def needs_settling(policy: PolicySnapshot) -> bool:
    """Whether a request under this policy holds anything in Redis."""
    return policy.has_budget or policy.max_concurrency is not None or policy.tokens_per_minute is not None


def settle_command(org_id: str, request_id: str, *, cost_nano: int, tokens_delta: int = 0, minute: int = 0) -> Command:
    """Replaces a reservation by the real cost; zero releases it. `tokens_delta` is tokens used minus tokens asked, and
    corrects the `minute` in which they were asked."""
    rate, spend, reserved, leases, active = _keys(org_id)
    return SETTLE.whole((spend, reserved, leases, active, rate), request_id, cost_nano, _HOLD_MS, tokens_delta, minute)


def renew_command(org_id: str, running: Iterable[tuple[str, int, bool]], *, lease_ms: int = _LEASE_MS) -> Command:
    """Extends the leases of requests still running: each one's id, what it has reserved, and whether it counts among
    those at the same time."""
    _, spend, reserved, leases, active = _keys(org_id)
    words = [word for request_id, nano, takes_place in running for word in (request_id, nano, int(takes_place))]
    return RENEW.whole((spend, reserved, leases, active), lease_ms, *words)


def renew_flight_command(flight_key: str) -> Command:
    """Extends the flight of a request still running."""
    return pack(b"PEXPIRE", flight_key, _FLIGHT_MS)


def record_words(
    org_id: str, *, at: datetime, spent: Spent, request_ids: Iterable[str] = (), always: bool
) -> list[str | int | bytes]:
    """The words after EVALSHA that set what the ledger says, and let go of what it has recorded."""
    _, spend, reserved, leases, _ = _keys(org_id)
    return [
        RECORD.digest, 3, spend, reserved, leases,
        "always" if always else "unless-ready",
        day_field(at), spent.day_nano, month_field(at), spent.month_nano,
        *request_ids,
    ]  # fmt: skip


def prime_command(org_id: str, at: datetime, spent: Spent) -> Command:
    """Sets what the ledger says, unless Redis already knows."""
    return pack(b"EVALSHA", *record_words(org_id, at=at, spent=spent, always=False))


def _limit(value: int | None) -> int:
    return -1 if value is None else value


def _retry_after(limit: Limit, milliseconds: int) -> float | None:
    if limit is Limit.MONTH:
        now = datetime.now(UTC)
        first_of_next = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
        return (first_of_next - now).total_seconds()
    return None if milliseconds < 0 else milliseconds / 1000
