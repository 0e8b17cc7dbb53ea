"""The hot path's door to admission: asks Redis, primes it from the ledger when it is cold, and decides without it when
it is away (budgets then count the ledger and what this process holds, so they stay closed to overspending)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import hiredis

from governance.admission import (
    ADMIT,
    RECORD,
    SETTLE,
    Admitted,
    Ask,
    Cold,
    Denied,
    Limit,
    SpendSource,
    Verdict,
    admit_command,
    needs_settling,
    prime_command,
    renew_command,
    settle_command,
    verdict_of,
)
from governance.domain import Principal
from governance.redis_pipe import Command, RedisAway, RedisPipe, Reply

SCRIPTS = (ADMIT, SETTLE, RECORD)
_RECORDED_AFTER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Hold:
    """Money this process has reserved for a request that is still running."""

    org_id: str
    amount_nano: int
    tokens: int
    local: bool
    """Made while Redis was away: nobody else knows of it."""


class Gatekeeper:
    """Admits, settles and keeps leases alive for one gateway process."""

    def __init__(self, pipe: RedisPipe, spend: SpendSource) -> None:
        self._pipe = pipe
        self._spend = spend
        self._holds: dict[str, Hold] = {}
        self._unrecorded: dict[str, Hold] = {}
        """What was spent under local holds, until the ledger must have it."""

    async def admit(self, principal: Principal, ask: Ask) -> Verdict:
        """Admission and the T1 read, in one round trip. Never `Cold`."""
        local = False
        try:
            verdict = verdict_of(await self._ask(admit_command(principal, ask)), principal.policy)
            if isinstance(verdict, Cold):
                await self._prime(principal.org_id)
                verdict = verdict_of(await self._ask(admit_command(principal, ask)), principal.policy)
            if isinstance(verdict, Cold):
                raise RedisAway("Redis forgot what was just primed")
        except RedisAway:
            local = True
            verdict = await self._admit_without_redis(principal, ask)
        if isinstance(verdict, Admitted) and verdict.holds:
            self._holds[ask.request_id] = Hold(principal.org_id, ask.reserve_nano or 0, ask.tokens, local)
        return verdict

    def settling(self, request_id: str, *, cost_nano: int, tokens: int) -> tuple[Command, ...]:
        """The commands that settle a request at what it used, to be sent with whatever else ends it; none if it holds
        nothing."""
        hold = self._holds.pop(request_id, None)
        if hold is None:
            return ()
        if hold.local and cost_nano:
            self._unrecorded[request_id] = replace(hold, amount_nano=cost_nano)
            asyncio.get_running_loop().call_later(_RECORDED_AFTER_SECONDS, self._unrecorded.pop, request_id, None)
        return (settle_command(hold.org_id, request_id, cost_nano=cost_nano, tokens_delta=tokens - hold.tokens),)

    def release(self, request_id: str) -> None:
        """Give back a reservation that was not used. Does not wait: if Redis is away, the lease runs out by itself."""
        commands = self.settling(request_id, cost_nano=0, tokens=0)
        if commands:
            self._pipe.submit(*commands).add_done_callback(_forgive)

    async def renew_leases(self) -> None:
        """Called by the heartbeat, so that a long request's reservation does not run out."""
        by_org: dict[str, list[str]] = {}
        for request_id, hold in self._holds.items():
            by_org.setdefault(hold.org_id, []).append(request_id)
        now_ms = int(time.time() * 1000)
        commands = [renew_command(org_id, request_ids, now_ms) for org_id, request_ids in by_org.items()]
        if commands:
            await self._pipe.submit(*commands)

    async def _ask(self, command: Command) -> Reply:
        (reply,) = await self._pipe.submit(command)
        if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
            replies: Sequence[Reply] = await self._pipe.submit(*(script.load() for script in SCRIPTS), command)
            reply = replies[-1]
        if isinstance(reply, hiredis.ReplyError):
            raise RedisAway(str(reply))
        return reply

    async def _prime(self, org_id: str) -> None:
        now = datetime.now(UTC)
        await self._ask(prime_command(org_id, now, await self._spend.spent(org_id, now)))

    async def _admit_without_redis(self, principal: Principal, ask: Ask) -> Verdict:
        policy = principal.policy
        if ask.reserve_nano is None or not policy.has_budget:
            return Admitted(holds=needs_settling(policy))
        now = datetime.now(UTC)
        spent = await self._spend.spent(principal.org_id, now)
        known = (*self._holds.values(), *self._unrecorded.values())
        held = sum(hold.amount_nano for hold in known if hold.org_id == principal.org_id)
        wanted = held + ask.reserve_nano
        if policy.daily_budget_nano is not None and spent.day_nano + wanted > policy.daily_budget_nano:
            return Denied(Limit.DAY, 60.0)
        if policy.monthly_budget_nano is not None and spent.month_nano + wanted > policy.monthly_budget_nano:
            return Denied(Limit.MONTH, 60.0)
        return Admitted(holds=True)


def _forgive(answered: asyncio.Future[list[Reply]]) -> None:
    """Takes note of a failure, so that it is not reported as never retrieved."""
    if not answered.cancelled():
        answered.exception()
