"""One request, start to finish:

auth → governance → [batching] → T1 exact → T2 semantic → T3 workflow → optimize → enrich → route → execute → record

Auth has happened when a request arrives here: it carries its `Principal`. Stages never call each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace

from caching.domain import CachedAnswer
from governance.domain import Principal
from inference.domain import (
    Answer,
    CacheMode,
    Call,
    Order,
    Refusal,
    RefusalKind,
    Reply,
    Report,
    StreamedAnswer,
    Tier,
)
from inference.flights import Execution, Flights, Outcome, Seat, Spared
from inference.stages import Learn, Stages
from inference.wire.format import format_of


@dataclass(frozen=True, slots=True)
class Alone:
    """The answer of the identical call in flight was not one that others can have: go without sharing, at once."""


class Pipeline:
    """Serves calls of one gateway process."""

    def __init__(self, stages: Stages, flights: Flights) -> None:
        self._stages = stages
        self._flights = flights
        self._unconfigured = stages.unconfigured()
        self._caches = tuple(
            (tier, cache) for tier, cache in ((Tier.T2, stages.t2), (Tier.T3, stages.t3)) if cache is not None
        )

    def refusal_of(self, principal: Principal, call: Call) -> Refusal | None:
        """Why a call that is to be made later could not be, as far as it can be told now."""
        order = self._stages.quote(principal, call, self._unconfigured)
        return order if isinstance(order, Refusal) else None

    async def answer(self, principal: Principal, call: Call) -> Reply:
        """Identical calls in flight share one upstream call: the first leads, the others join it and wait."""
        order = self._stages.quote(principal, call, self._unconfigured)
        if isinstance(order, Refusal):
            return order
        key, counts = order.t1_key, True
        while True:
            seat = self._flights.board(key)
            if seat.leads:
                return await self._lead(order, seat, counts=counts)
            reply = await self._join(order, seat, counts=counts)
            if isinstance(reply, Alone):
                key = None
            elif reply is not None:
                return reply
            counts = False  # the call it joined came to nothing: it goes on, and is not counted twice

    async def _lead(self, order: Order, seat: Seat, *, counts: bool) -> Reply:
        try:
            verdict = await self._stages.governance.admit(order, pays=True, counts=counts)  # and T1, in one round trip
            if isinstance(verdict, Refusal):
                return verdict
            if isinstance(verdict, CachedAnswer):
                return await self._replay(order, verdict, Tier.T1, "exact repeat: answered from T1")
            return await self._serve(order, seat)
        finally:
            self._flights.leave(seat)

    async def _serve(self, order: Order, seat: Seat) -> Reply:
        """T1 has no answer, and the worst case is reserved: T2, T3, then a provider."""
        stages, execution = self._stages, None
        try:
            if stages.batching is not None:
                order = await stages.batching(order)
            order, reply, lessons = await self._look_up(order, seat)
            if reply is not None:
                return reply
            if stages.optimize is not None:
                order = await stages.optimize(order)
            if stages.enrich is not None:
                order = await stages.enrich(order)
            plan = stages.route(order)
            if isinstance(plan, Refusal):
                return plan
            execution = stages.execute.launch(order, plan)  # which records when it ends
            self._flights.take_off(seat, execution)
            for learn in lessons:
                execution.outcome.add_done_callback(_learning(learn))
        finally:
            if execution is None:
                stages.governance.release(order)
        return await self._read(order, execution)

    async def _look_up(self, order: Order, seat: Seat) -> tuple[Order, Reply | None, list[Learn]]:
        """What T2 and T3 made of the order, their answer, and what they want to learn when there is none."""
        lessons = []
        for tier, cache in self._caches:
            looked = await cache.look_up(order)
            order = looked.order
            if looked.answer is not None:
                spared = Spared(looked.answer, tier, looked.reason, order.notes, order.evidence)
                self._flights.spare(seat, spared)
                return order, await self._replay(order, looked.answer, tier, looked.reason), []
            if looked.refusal is not None:
                return order, looked.refusal, []
            if looked.learn is not None:
                lessons.append(looked.learn)
        return order, None, lessons

    async def _join(self, order: Order, seat: Seat, *, counts: bool) -> Reply | Alone | None:
        """Wait for the leader's answer. None when it never called; Alone when its answer cannot be shared."""
        verdict = await self._stages.governance.admit(order, pays=False, counts=counts)
        if isinstance(verdict, Refusal):
            return verdict
        if isinstance(verdict, CachedAnswer):
            return await self._replay(order, verdict, Tier.T1, "exact repeat: answered from T1")
        try:
            shared = await seat.flight.launched()
            outcome = await shared.whole() if isinstance(shared, Execution) else None
        finally:
            self._stages.governance.release(order)
        if isinstance(shared, Spared) and order.call.controls.cache is not CacheMode.EXACT:
            order = replace(order, notes=shared.notes, evidence=shared.evidence)
            return await self._replay(order, shared.answer, shared.tier, shared.reason)
        if outcome is None or (isinstance(outcome, Refusal) and outcome.kind is RefusalKind.CANCELLED):
            return None
        if isinstance(outcome, Refusal):
            return outcome
        reason = "shared the answer of an identical call in flight"
        return Alone() if outcome.entry is None else await self._replay(order, outcome.entry, Tier.T1, reason)

    async def _read(self, order: Order, execution: Execution) -> Reply:
        if not order.call.stream:
            outcome = await execution.whole()
            if isinstance(outcome, Refusal):
                return outcome
            assert outcome.body is not None, "a whole call ends with a whole answer"
            return Answer(outcome.body, outcome.report)
        stream = execution.stream_live(include_usage=order.call.include_usage)
        try:
            opened = await asyncio.shield(execution.opened)
        except asyncio.CancelledError:
            await stream.aclose()
            raise
        if isinstance(opened, Refusal):
            await stream.aclose()
            return opened
        return StreamedAnswer(stream, opened, lambda: _final_report(execution))

    async def _replay(self, order: Order, cached: CachedAnswer, tier: Tier, reason: str) -> Reply:
        report = await self._stages.record_hit(order, cached, tier, reason)
        if not order.call.stream:
            return Answer(cached.body, report)
        events = format_of(order.call.wire).replay(cached.body, include_usage=order.call.include_usage)
        return StreamedAnswer(_Replayed(events), report, lambda: _known(report))


class _Replayed:
    """A cached answer as a stream. All of it is here already, so it is written at once and nothing needs closing."""

    whole = True

    def __init__(self, events: Iterator[bytes]) -> None:
        self._events = events

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        await write(b"".join(self._events))

    async def aclose(self) -> None:
        """Nothing is held."""


def _learning(learn: Learn) -> Callable[[asyncio.Future[Outcome]], None]:
    def tell(outcome: asyncio.Future[Outcome]) -> None:
        if not outcome.cancelled():
            learn(outcome.result())

    return tell


async def _final_report(execution: Execution) -> Report | None:
    outcome = await execution.outcome
    return None if isinstance(outcome, Refusal) else outcome.report


async def _known(report: Report) -> Report:
    return report
