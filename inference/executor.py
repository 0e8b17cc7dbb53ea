"""The execute stage: calls a provider in a task that belongs to no client, and records what the call used.

The call may be cancelled when nobody waits for it any more. What follows, recording it and giving the answer to whoever
still waits, is never cancelled and happens exactly once.
"""

from __future__ import annotations

import logging

from inference.calling import UNRECORDABLE, CallEnd, ProviderCall, Providers
from inference.crossing import Crossing
from inference.domain import Model, Order, Plan, Refusal, RefusalKind, Usage
from inference.endings import Ending
from inference.estimate import estimate_usage
from inference.flights import Execution, Outcome
from inference.records import Begun
from inference.wire.written import written_text

log = logging.getLogger(__name__)


class Executor:
    """Runs upstream calls for one gateway process."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    def launch(self, order: Order, plan: Plan) -> Execution:
        """Begin the upstream call; the caller reads it from the execution."""
        execution = Execution()
        begun = self._providers.records.begin(order, plan)
        execution.launch(self._run(order, plan, execution, begun))
        return execution

    async def _run(self, order: Order, plan: Plan, execution: Execution, begun: Begun) -> None:
        end = await ProviderCall(self._providers, order, plan, execution, begun).run()
        execution.call_ended()
        outcome: Outcome = Refusal(RefusalKind.INTERNAL, "something went wrong inside Asahi")
        try:
            outcome = await self._record(order, plan, begun, end)
        except Exception:
            log.exception("record.failed", extra={"request_id": order.call.request_id})
        finally:
            execution.finish(outcome)  # first those who wait for the whole, then the end of the stream
            if end.leg is not None:
                await self._end_stream(execution, end.leg.crossing, end.broken)
            execution.close_stream()

    async def _record(self, order: Order, plan: Plan, begun: Begun, end: CallEnd) -> Outcome:
        records = self._providers.records
        started = await records.confirm(begun)
        recorded, executed = await records.end(order, await self._ending_of(order, plan, end), body=end.body)
        if end.refusal is not None:
            return end.refusal
        if not (started or recorded):
            return UNRECORDABLE
        return executed

    async def _ending_of(self, order: Order, plan: Plan, end: CallEnd) -> Ending:
        leg, status = end.leg, 200
        if end.refusal is not None:
            status = 499 if end.refusal.kind is RefusalKind.CANCELLED else end.refusal.status or 503
        if leg is None:
            return Ending.of_call(plan, plan.model, Usage(), simulated=False, outcome=end.outcome, status=status)
        usage = Usage()
        if end.outcome == "ok" and end.stated is not None and end.stated.input_tokens:
            usage = end.stated
        elif leg.sent:
            written = leg.crossing.reader.text() if end.body is None else written_text(end.body)
            usage = await estimate_usage(order, end.stated, written)
        return Ending.of_call(
            plan,
            leg.model,
            usage,
            simulated=leg.target.simulated,
            own_account=bool(leg.target.account),
            unconfirmed=await _unconfirmed(order, end),
            outcome=end.outcome,
            status=status,
            first_byte_seconds=leg.first_byte_seconds,
            upstream_seconds=leg.upstream_seconds,
        )

    async def _end_stream(self, execution: Execution, crossing: Crossing, broken: str | None) -> None:
        if broken is not None:
            await execution.push(crossing.broken_event(broken))
        if crossing.last_event:
            await execution.push(crossing.last_event)


async def _unconfirmed(order: Order, end: CallEnd) -> tuple[tuple[Model, Usage], ...]:
    """What the models that did not answer in time have at least read, if they did begin."""
    if not end.given_up:
        return ()
    prompt = await estimate_usage(order, None, "")
    return tuple((model, prompt) for model in end.given_up)
