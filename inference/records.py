"""The last stage, record: every answer leaves one usage event, settles its reservation and fills T1, in one round trip.

Events go to the append-only stream; when Redis is away they go straight into Postgres. An answer's last byte leaves
only after its event is in one of the two.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hiredis
import psycopg

from analytics import door, ids
from analytics.domain import CallStarted, UsageEvent
from caching import exact
from caching.domain import CachedAnswer
from caching.exact import ExactCache
from governance.gatekeeper import Gatekeeper
from governance.principals import Pool
from governance.redis_pipe import Command, RedisAway, RedisPipe, Reply, pack
from inference.bills import Bill, make_bill
from inference.domain import Cost, Order, Plan, Report, Tier
from inference.endings import Ending, pack_usage
from inference.filing import filing_of
from inference.flights import Executed
from inference.late_events import LateEvents
from inference.observe import observe_answer
from inference.pricing import PriceBook
from inference.wire.soundness import is_sound

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Begun:
    """A started record on its way. `durable` once that is known."""

    payload: bytes
    written: asyncio.Future[list[Reply]]
    durable: bool | None = None


class Records:
    """Writes usage events for one gateway process."""

    def __init__(
        self, *, pipe: RedisPipe, pool: Pool, late: LateEvents, gatekeeper: Gatekeeper, prices: PriceBook, stream: str,
        process_id: str, t1: ExactCache,
    ) -> None:  # fmt: skip
        self._pipe = pipe
        self._pool = pool
        self._late = late
        self._gatekeeper = gatekeeper
        self._prices = prices
        self._stream = stream
        self._process_id = process_id
        self._t1 = t1

    def begin(self, order: Order, plan: Plan) -> Begun:
        """Sends the started record, beside the upstream call."""
        call = order.call
        output_tokens = order.reserve_tokens - call.input_token_bound
        payload = door.encode(
            CallStarted(
                request_id=call.request_id,
                org_id=order.principal.org_id,
                key_id=order.principal.key_id,
                process_id=self._process_id,
                wire=call.wire,
                requested_model=call.model or "",
                model=plan.model.id,
                provider=plan.model.provider,
                routing_mode=plan.mode,
                routing_reason=plan.reason,
                estimate_nano=self._prices.worst_case(plan.model, call, output_tokens),
                estimate_input_tokens=min(call.input_token_bound, plan.model.context_tokens),
                estimate_output_tokens=output_tokens,
                price_version=self._prices.version,
                tags=call.controls.tags,
                end_user=call.controls.end_user,
            )
        )
        return Begun(payload, self._pipe.submit(pack(*door.stream_command(self._stream, payload))))

    async def confirm(self, begun: Begun) -> bool:
        """Whether the started record is durable. Await it before the answer's first byte leaves."""
        if begun.durable is None:
            begun.durable = await self._make_sure(begun.written, begun.payload)
        return begun.durable

    async def end(self, order: Order, ending: Ending, *, body: bytes | None = None) -> tuple[bool, Executed]:
        """Records an answered request; the last thing before the answer's end is sent.

        `body` is the whole answer, which T1 keeps if it may. False when the event is not durable yet; it will be.
        """
        bill = make_bill(self._prices, order, ending)
        cost = bill.cost
        event = _event_of(order, ending, bill, self._unconfirmed(ending))
        payload = door.encode(event)
        used = 0 if ending.paid is None else ending.usage.input_tokens + ending.usage.output_tokens
        settling = self._gatekeeper.settling(event.request_id, cost_nano=cost.cost_nano, tokens=used)
        entry = self._entry_of(order, ending, body)
        commands = [*settling, *self._caching(order, ending, entry)]
        written = self._pipe.submit(*commands, pack(*door.stream_command(self._stream, payload)))
        durable = await self._make_sure(written, payload)
        overhead = (ending.first_byte_seconds or elapsed_seconds(order)) - ending.upstream_seconds
        observe_answer(event, overhead, simulated=ending.simulated)
        return durable, Executed(_report_of(order, ending, cost, event.latency_ms), body, entry)

    def _unconfirmed(self, ending: Ending) -> Sequence[object]:
        """What a provider may bill for a call that it did not answer in time, by the prices of now."""
        return [
            {"model": model.id, "input_tokens": usage.input_tokens, "nano": self._prices.price(model, usage)}
            for model, usage in ending.unconfirmed
        ]

    async def hit(self, order: Order, cached: CachedAnswer, tier: Tier, reason: str) -> Report:
        """Records an answer out of a cache."""
        _, executed = await self.end(order, Ending.of_hit(cached, order.call.controls.routing_mode, tier, reason))
        return executed.report

    async def _make_sure(self, written: asyncio.Future[list[Reply]], payload: bytes) -> bool:
        """The last command sent was the event's: if the stream did not take it, Postgres does; if that does not either,
        it is kept until one of them does, and this is False."""
        try:
            replies = await written
        except RedisAway:
            return await self._spool(payload)
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                log.error("redis.refused", extra={"error": str(reply)})
        return not isinstance(replies[-1], hiredis.ReplyError) or await self._spool(payload)

    async def _spool(self, payload: bytes) -> bool:
        try:
            await door.spool(self._pool, [payload])
        except (psycopg.Error, OSError, TimeoutError) as error:
            log.error("event.late", extra={"error": type(error).__name__})
            self._late.keep(payload)
            return False
        return True

    def _caching(self, order: Order, ending: Ending, entry: CachedAnswer | None) -> Sequence[Command]:
        if order.t1_key is None:
            return ()
        if ending.tier is Tier.T1:
            return (exact.HITS,)
        call, principal = order.call, order.principal
        filling = self._t1.filling(
            principal.org_id,
            order.t1_key,
            None if ending.usage.estimated or ending.tier is not Tier.MISS else entry,
            filing_of(order),
            ttl=principal.policy.cache_ttl_seconds,
            request_id=call.request_id,
        )
        return (filling, exact.MISSES)

    @staticmethod
    def _entry_of(order: Order, ending: Ending, body: bytes | None) -> CachedAnswer | None:
        if body is None or order.t1_key is None or not is_sound(order.call.wire, body):
            return None
        return CachedAnswer(
            wire=order.call.wire,
            body=body,
            model=ending.model,
            provider=ending.provider,
            usage=pack_usage(ending.usage),
            stored_at=ids.started_seconds(order.call.request_id),
            task=ending.task,
            quality=ending.quality,
            simulated=ending.simulated,
        )


def elapsed_seconds(order: Order) -> float:
    """Since the request arrived."""
    return time.perf_counter() - order.call.received_at


def _event_of(order: Order, ending: Ending, bill: Bill, unconfirmed: Sequence[object]) -> UsageEvent:
    call, usage, cost = order.call, ending.usage, bill.cost
    return UsageEvent(
        request_id=call.request_id,
        org_id=order.principal.org_id,
        key_id=order.principal.key_id,
        wire=call.wire,
        requested_model=call.model or "",
        tags=call.controls.tags,
        end_user=call.controls.end_user,
        model=ending.model,
        provider=ending.provider,
        routing_mode=ending.mode,
        routing_reason=ending.reason,
        tier=ending.tier.number,
        outcome=ending.outcome,
        status=ending.status,
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_nano=cost.cost_nano,
        original_cost_nano=cost.original_nano,
        own_spend_nano=cost.own_spend_nano,
        baseline_model=cost.baseline_model,
        price_version=cost.price_version,
        latency_ms=int(elapsed_seconds(order) * 1000),
        first_byte_ms=math.ceil(ending.first_byte_seconds * 1000),
        usage_estimated=usage.estimated,
        quality=ending.quality,
        techniques=order.techniques,
        tokens_saved=order.tokens_saved,
        task=ending.task,
        receipt=_receipt_of(order, ending, bill, unconfirmed),
    )


def _receipt_of(order: Order, ending: Ending, bill: Bill, unconfirmed: Sequence[object]) -> dict[str, Any]:
    """What has no column of its own."""
    receipt = {"stages": dict(order.notes), "simulated": ending.simulated, "bill": bill.receipt()}
    if order.evidence:
        receipt["evidence"] = dict(order.evidence)
    if ending.tier is Tier.T1 and order.t1_key is not None:  # by which feedback and a purge know it
        receipt["evidence"] = {**order.evidence, "t1": {"entry": order.t1_key.rpartition(":")[2]}}
    if ending.own_account:
        receipt["account"] = "own"
    if unconfirmed:
        receipt["unconfirmed"] = unconfirmed
    if ending.runners_up:
        receipt["runners_up"] = ending.runners_up
    return receipt


def _report_of(order: Order, ending: Ending, cost: Cost, latency_ms: int) -> Report:
    return Report(
        request_id=order.call.request_id,
        model=ending.model,
        tier=ending.tier,
        routing_mode=ending.mode,
        routing_reason=ending.reason,
        cost=cost,
        usage=ending.usage,
        latency_ms=latency_ms,
        quality=ending.quality,
        techniques=order.techniques,
        tokens_saved=order.tokens_saved,
        simulated=ending.simulated,
    )
