"""The hot path's door to admission: asks Redis, primes it from the ledger when it is cold, and decides without it when
it is away (budgets then count the ledger, what this process holds, and what it spent that the ledger does not have)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import hiredis

from governance.admission import (
    ADMIT,
    RECORD,
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
    renew_flight_command,
    settle_command,
    verdict_of,
)
from governance.domain import Principal
from governance.redis_pipe import Command, RedisAway, RedisPipe, Reply
from governance.unrecorded import Payment, Unrecorded

log = logging.getLogger(__name__)

SCRIPTS = (ADMIT, RECORD)

_MOST_OWED = 20_000  # a lease that is not renewed runs out by itself, so the oldest may be dropped
_OWED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Hold:
    """What this process has reserved for a request that is still running."""

    org_id: str
    amount_nano: int
    """0 when there is no budget."""
    tokens: int
    minute: int
    takes_place: bool
    """Whether it counts among the requests at the same time."""
    local: bool
    """Made while Redis was away."""


class Gatekeeper:
    """Admits, settles and keeps leases alive for one gateway process."""

    def __init__(self, pipe: RedisPipe, spend: SpendSource) -> None:
        self._pipe = pipe
        self._spend = spend
        self._holds: dict[str, Hold] = {}
        self._unrecorded = Unrecorded()
        self._owed: dict[str, Payment] = {}
        """How requests ended that Redis still has to be told of; a cost of 0 releases what it may hold for one."""
        self._losses = 0
        self._flights: dict[str, str] = {}
        """Where the requests of this process say that they are getting an answer for everyone."""

    async def admit(self, principal: Principal, ask: Ask) -> Verdict:
        """Admission and the T1 read, in one round trip. Never `Cold`."""
        asked = self._pipe.available
        try:
            verdict = await self._admit_by_redis(principal, ask)
            local = False
        except RedisAway:
            if asked:
                self._release_later(principal, ask)
            verdict = await self._admit_without_redis(principal, ask)
            local = True
        except asyncio.CancelledError:
            self._release_later(principal, ask)
            raise
        if ask.flight_key and isinstance(verdict, Admitted):
            self._flights[ask.request_id] = ask.flight_key
        if isinstance(verdict, Admitted) and verdict.holds:
            self._owed.pop(ask.request_id, None)  # the hold speaks for it from now on
            self._holds[ask.request_id] = _hold_of(principal, ask, verdict.minute, local=local)
        return verdict

    def settling(self, request_id: str, *, cost_nano: int, tokens: int) -> tuple[Command, ...]:
        """The commands that settle a request at what it used, to be sent at once with whatever else ends it; none if it
        holds nothing, or if Redis is away (it is then told later)."""
        self._flights.pop(request_id, None)
        hold = self._holds.pop(request_id, None)
        if hold is None:
            return ()
        payment = Payment(hold.org_id, request_id, cost_nano if hold.amount_nano else 0)
        if hold.local or not self._pipe.available:
            self._unrecorded.keep(payment)
        else:
            self._unrecorded.note(payment)
        if not self._pipe.available:
            self._owe(payment)
            return ()
        asyncio.get_running_loop().call_soon(self._make_sure, payment)
        delta = tokens - hold.tokens
        return (settle_command(hold.org_id, request_id, cost_nano=cost_nano, tokens_delta=delta, minute=hold.minute),)

    def release(self, request_id: str, *beside: Command) -> None:
        """Give back a reservation that was not used, and send what else there is to say. Does not wait."""
        commands = (*self.settling(request_id, cost_nano=0, tokens=0), *beside)
        if commands:
            self._pipe.submit(*commands).add_done_callback(_forgive)

    async def hand_over(self, org_id: str, held: Mapping[str, int], *, lease_seconds: int) -> None:
        """From now on these reservations, by request id in nano-USD, are held by leases of their own, however long this
        process lives; whoever keeps them calls this again in time. Raises RedisAway."""
        for request_id in held:
            self._holds.pop(request_id, None)
        running = [(request_id, amount, False) for request_id, amount in held.items() if amount]
        if running:
            _report(await self._pipe.submit(renew_command(org_id, running, lease_ms=lease_seconds * 1000)))

    def take_over(self, org_id: str, request_id: str, amount_nano: int) -> None:
        """Settle this reservation as if it had been made here. The next `settling` of the request does."""
        if amount_nano:
            self._holds[request_id] = Hold(org_id, amount_nano, 0, 0, takes_place=False, local=False)

    async def forget(self, org_id: str, request_ids: Sequence[str]) -> None:
        """Let go of what a process that died may have reserved for these requests. Raises RedisAway."""
        commands = [settle_command(org_id, request_id, cost_nano=0) for request_id in request_ids]
        if commands:
            _report(await self._pipe.submit(*commands))

    async def renew_leases(self) -> None:
        """Called by the heartbeat, so that a long request's reservation does not run out."""
        by_org: dict[str, list[tuple[str, int, bool]]] = {}
        for request_id, hold in self._holds.items():
            by_org.setdefault(hold.org_id, []).append((request_id, hold.amount_nano, hold.takes_place))
        commands = [renew_command(org_id, running) for org_id, running in by_org.items()]
        commands += [renew_flight_command(key) for key in self._flights.values()]
        if commands:
            _report(await self._pipe.submit(*commands))

    async def reconcile(self) -> None:
        """Called every second: tells Redis what it could not be told, and lets go of what the ledger has.

        Raises RedisAway, or psycopg.Error when Postgres is away; nothing is forgotten then.
        """
        if self._losses != self._pipe.losses and self._pipe.available:
            losses = self._pipe.losses
            await self.renew_leases()
            self._losses = losses
        if self._owed and self._pipe.available:
            await self._tell_owed()
        waiting = self._unrecorded.waiting()
        if waiting:
            self._unrecorded.recorded(await self._spend.recorded(waiting))
        for payment in self._unrecorded.let_go():
            self._owe(Payment(payment.org_id, payment.request_id, 0))  # it may have been told after the recorder had

    async def _tell_owed(self) -> None:
        owed = list(self._owed.values())[:_OWED_AT_ONCE]
        commands = (settle_command(each.org_id, each.request_id, cost_nano=each.cost_nano) for each in owed)
        _report(await self._pipe.submit(*commands))
        for payment in owed:
            if self._owed.get(payment.request_id) is payment:
                del self._owed[payment.request_id]

    def _make_sure(self, payment: Payment) -> None:
        """A turn of the loop after its settlement was handed out and sent: owe it if it turns out not to arrive."""
        sent = self._pipe.newest()
        if sent is not None:
            sent.add_done_callback(partial(self._owe_if_lost, payment))

    def _owe_if_lost(self, payment: Payment, sent: asyncio.Future[list[Reply]]) -> None:
        if sent.cancelled() or sent.exception() is not None:
            self._unrecorded.keep(payment)
            self._owe(payment)

    def _release_later(self, principal: Principal, ask: Ask) -> None:
        """Admission was asked for and nobody waits for it any more, but it may still happen."""
        if needs_settling(principal.policy):
            self._owe(Payment(principal.org_id, ask.request_id, 0))

    def _owe(self, payment: Payment) -> None:
        self._owed[payment.request_id] = payment
        if len(self._owed) > _MOST_OWED:
            del self._owed[next(iter(self._owed))]

    async def _admit_by_redis(self, principal: Principal, ask: Ask) -> Verdict:
        verdict = verdict_of(await self._ask(admit_command(principal, ask)), principal.policy)
        if isinstance(verdict, Cold):
            await self._prime(principal.org_id)
            verdict = verdict_of(await self._ask(admit_command(principal, ask)), principal.policy)
        if isinstance(verdict, Cold):
            raise RedisAway("Redis forgot what was just primed")
        return verdict

    async def _ask(self, command: Command) -> Reply:
        (reply,) = await self._pipe.submit(command)
        if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
            replies: Sequence[Reply] = await self._pipe.submit(*self._pipe.preload, command)
            reply = replies[-1]
        if isinstance(reply, hiredis.ReplyError):
            raise RedisAway(str(reply))
        return reply

    async def _prime(self, org_id: str) -> None:
        now = datetime.now(UTC)
        await self._ask(prime_command(org_id, now, await self._spend.spent(org_id, now)))

    async def _admit_without_redis(self, principal: Principal, ask: Ask) -> Verdict:
        policy, org_id = principal.policy, principal.org_id
        if ask.reserve_nano is None or not policy.has_budget:
            return Admitted(holds=needs_settling(policy))
        self._unrecorded.redis_is_away()
        reading_since, now = time.monotonic(), datetime.now(UTC)
        spent = await self._spend.spent(org_id, now)
        held = sum(hold.amount_nano for hold in self._holds.values() if hold.org_id == org_id)
        wanted = self._unrecorded.total_nano(org_id, reading_since) + held + ask.reserve_nano
        full = self._unrecorded.is_full
        if policy.daily_budget_nano is not None and (full or spent.day_nano + wanted > policy.daily_budget_nano):
            return Denied(Limit.DAY, 60.0)
        if policy.monthly_budget_nano is not None and (full or spent.month_nano + wanted > policy.monthly_budget_nano):
            return Denied(Limit.MONTH, 60.0)
        return Admitted(holds=True)


def _hold_of(principal: Principal, ask: Ask, minute: int, *, local: bool) -> Hold:
    policy = principal.policy
    reserved = (ask.reserve_nano or 0) if policy.has_budget else 0
    return Hold(principal.org_id, reserved, ask.tokens, minute, policy.max_concurrency is not None, local)


def _report(replies: Sequence[Reply]) -> None:
    for reply in replies:
        if isinstance(reply, hiredis.ReplyError):
            log.error("redis.refused", extra={"error": str(reply)})


def _forgive(answered: asyncio.Future[list[Reply]]) -> None:
    """Takes note of a failure, so that it is not reported as never retrieved."""
    if not answered.cancelled():
        answered.exception()
