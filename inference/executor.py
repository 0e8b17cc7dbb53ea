"""The execute stage: calls the planned model, tries again or elsewhere while nothing has been answered, relays streams.

Every call runs in the task of its `Execution`, apart from any client's connection, so that what it used is recorded
whether its clients stay, leave, or are cut off by a shutdown.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import dataclass, replace

from inference.crossing import INVALID_ANSWER, Crossing, crossing_for
from inference.domain import Model, Order, Plan, Refusal, RefusalKind, Report, Tier, Usage
from inference.flights import Executed, Execution, Outcome
from inference.observe import observe_failure
from inference.providers.breaker import Breakers
from inference.providers.targets import Targets
from inference.providers.upstream import Failure, FailureKind, OpenStream, Target, Upstream, UpstreamBroken
from inference.records import Begun, Ending, Records, elapsed_seconds
from inference.tokens import count_tokens
from inference.wire.format import format_of
from inference.wire.sse import EventSplitter, EventTooLargeError

_BACKOFF_SECONDS = (0.1, 0.4, 1.0)
_LONGEST_WAIT_SECONDS = 2.0  # a Retry-After beyond this is not waited for: a fallback, or the caller, is told


class Executor:
    """Runs upstream calls for one gateway process."""

    def __init__(
        self, *, upstream: Upstream, targets: Targets, breakers: Breakers, records: Records, max_retries: int
    ) -> None:
        self.upstream = upstream
        self.targets = targets
        self.breakers = breakers
        self.records = records
        self.max_retries = max_retries

    def launch(self, order: Order, plan: Plan) -> Execution:
        """Begin the upstream call; the caller reads it from the execution."""
        execution = Execution()
        execution.launch(_Run(self, order, plan, execution).run())
        return execution


@dataclass(slots=True)
class _Leg:
    """One model being called."""

    model: Model
    target: Target
    crossing: Crossing
    sent: bool = False
    first_byte_seconds: float = 0.0
    upstream_seconds: float = 0.0


class _Run:
    """One order being executed."""

    def __init__(self, executor: Executor, order: Order, plan: Plan, execution: Execution) -> None:
        self._executor = executor
        self._order = order
        self._plan = plan
        self._execution = execution
        self._begun: Begun = executor.records.begin(order, plan)
        self._leg: _Leg | None = None

    async def run(self) -> None:
        """Call, record, and finish the execution, whatever happens."""
        try:
            outcome = await self._call_in_turn()
        except asyncio.CancelledError:
            outcome = await self._record_interrupted("client_disconnect")
        except Exception:
            await self._record_interrupted("internal_error")
            self._execution.finish(Refusal(RefusalKind.INTERNAL, "something went wrong inside Asahi"))
            raise
        self._execution.finish(outcome)

    async def _call_in_turn(self) -> Outcome:
        """The planned model, then its fallbacks, until one begins to answer."""
        failure = Failure(FailureKind.UNREACHABLE, "no provider is available")
        for model in (self._plan.model, *self._plan.fallbacks):
            target = self._executor.targets.for_model(model)
            if target is None or not self._executor.breakers.passes(target.provider):
                failure = Failure(FailureKind.UNREACHABLE, f"{model.provider} is not available")
                continue
            crossing = crossing_for(self._order.call, model)
            if isinstance(crossing, Refusal):
                return await self._record_failed(crossing)  # a caller named this model: automatic modes keep to a wire
            self._leg = _Leg(model, target, crossing)
            result = await self._call_with_retries(self._leg)
            if not isinstance(result, Failure):
                return result
            failure = result
            if failure.kind is FailureKind.REJECTED:
                break
        return await self._record_failed(_refusal_of(failure, self._leg))

    async def _call_with_retries(self, leg: _Leg) -> Executed | Failure:
        call = self._call_streamed if self._order.call.stream else self._call_whole
        for attempt in range(self._executor.max_retries + 1):
            leg.sent = True
            result = await call(leg)
            if not isinstance(result, Failure):
                self._executor.breakers.succeeded(leg.target.provider)
                return result
            leg.sent = False
            self._count(leg.target, result)
            wait = max(_backoff(attempt), result.retry_after or 0.0)
            if result.permanent or attempt == self._executor.max_retries or wait > _LONGEST_WAIT_SECONDS:
                break
            await asyncio.sleep(wait)
        return result

    async def _call_whole(self, leg: _Leg) -> Executed | Failure:
        called_at = time.perf_counter()
        raw = await self._executor.upstream.complete(leg.target, leg.crossing.request, leg.crossing.headers)
        leg.upstream_seconds += time.perf_counter() - called_at
        if isinstance(raw, Failure):
            return raw
        whole = leg.crossing.read_whole(raw)
        if whole is None:
            return Failure(FailureKind.BROKEN, INVALID_ANSWER)
        await self._executor.records.confirm(self._begun)
        usage = whole.usage or self._estimate(leg.crossing.format.answer_text(whole.body))
        return await self._record(leg, usage, body=whole.body)

    async def _call_streamed(self, leg: _Leg) -> Executed | Failure:
        called_at = time.perf_counter()
        async with self._executor.upstream.stream(leg.target, leg.crossing.request, leg.crossing.headers) as opened:
            leg.upstream_seconds += time.perf_counter() - called_at
            if isinstance(opened, Failure):
                return opened
            await self._executor.records.confirm(self._begun)
            broken = await self._relay(opened, leg)
        reader, crossing = leg.crossing.reader, leg.crossing
        if not reader.finished and not self._execution.opened.done():
            return Failure(FailureKind.BROKEN, broken or "the provider's stream ended before it began")
        if reader.finished and broken is None:
            executed = await self._record(leg, self._usage_so_far(leg), body=crossing.whole())
        else:
            executed = await self._record(leg, self._usage_so_far(leg), outcome="provider_error")
            await self._execution.push(crossing.broken_event(broken or "the provider's stream ended too early"))
        if crossing.last_event:
            await self._execution.push(crossing.last_event)
        return executed

    async def _relay(self, opened: OpenStream, leg: _Leg) -> str | None:
        """Pass events on as they arrive. Returns what broke, None when nothing did."""
        splitter, crossing, execution = EventSplitter(), leg.crossing, self._execution
        try:
            while data := await opened.read():
                relayed = crossing.relay(splitter.feed(data))
                if not leg.first_byte_seconds and (relayed.shown or crossing.reader.finished):
                    leg.first_byte_seconds = elapsed_seconds(self._order)
                    execution.open(self._report_of_open_stream(leg))
                if relayed.shown:
                    await execution.push(relayed.shown)
                if relayed.usage:
                    await execution.push(relayed.usage, usage_only=True)
                if crossing.reader.finished:
                    return None
        except (UpstreamBroken, EventTooLargeError) as error:
            return str(error)
        return None

    def _report_of_open_stream(self, leg: _Leg) -> Report:
        """What can be said before a stream has ended: its cost is in its receipt."""
        return Report(
            request_id=self._order.call.request_id,
            model=leg.model.id,
            tier=Tier.MISS,
            routing_mode=self._plan.mode,
            routing_reason=self._plan.reason,
            cost=None,
            usage=None,
            latency_ms=math.ceil(leg.first_byte_seconds * 1000),
            quality=leg.model.quality_for(self._plan.task),
            techniques=self._order.techniques,
            tokens_saved=self._order.tokens_saved,
            simulated=leg.target.simulated,
        )

    async def _record(
        self, leg: _Leg, usage: Usage, *, body: bytes | None = None, outcome: str = "ok", status: int = 200
    ) -> Executed:
        ending = Ending.of_call(
            self._plan,
            leg.model,
            usage,
            simulated=leg.target.simulated,
            outcome=outcome,
            status=status,
            first_byte_seconds=leg.first_byte_seconds,
            upstream_seconds=leg.upstream_seconds,
        )
        leg.sent = False
        return await self._executor.records.end(self._order, ending, body=body)

    async def _record_interrupted(self, outcome: str) -> Refusal:
        """The call was cut off: bill what had arrived, or the input alone when nothing had."""
        await self._executor.records.confirm(self._begun)
        if self._leg is not None and self._leg.sent:
            await self._record(self._leg, self._usage_so_far(self._leg), outcome=outcome, status=499)
            return Refusal(RefusalKind.CANCELLED, "the call was cancelled because nobody waited for it")
        return await self._record_failed(Refusal(RefusalKind.CANCELLED, "the call was cancelled before it was sent"))

    async def _record_failed(self, refusal: Refusal) -> Refusal:
        """No provider answered: nothing is charged, and the reservation is given back."""
        model = self._plan.model if self._leg is None else self._leg.model
        ending = Ending.of_call(
            self._plan, model, Usage(), simulated=False, outcome="provider_error", status=refusal.status or 503
        )
        await self._executor.records.confirm(self._begun)
        await self._executor.records.end(self._order, ending)
        return refusal

    def _count(self, target: Target, failure: Failure) -> None:
        observe_failure(target.provider, failure)
        if failure.kind is FailureKind.REJECTED:
            self._executor.breakers.succeeded(target.provider)
        else:
            self._executor.breakers.failed(target.provider)

    def _usage_so_far(self, leg: _Leg) -> Usage:
        """What the provider said, or, for a stream that did not end, what was seen of it."""
        reader = leg.crossing.reader
        stated = reader.usage
        if stated is not None and reader.finished:
            return stated
        seen = self._estimate(reader.text())
        if stated is None:
            return seen
        return replace(stated, output_tokens=max(stated.output_tokens, seen.output_tokens), estimated=True)

    def _estimate(self, text: str) -> Usage:
        """Usage the provider did not state: the prompt's and the answer's tokens by our own count."""
        call = self._order.call
        prompt = format_of(call.wire).canonical(call.body).decode()
        return Usage(input_tokens=count_tokens(prompt), output_tokens=count_tokens(text), estimated=True)


def _backoff(attempt: int) -> float:
    jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, protects nothing
    return _BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)] * jitter


def _refusal_of(failure: Failure, leg: _Leg | None) -> Refusal:
    if failure.kind is not FailureKind.REJECTED:
        return Refusal(RefusalKind.PROVIDER_FAILED, failure.message, retry_after=failure.retry_after)
    native = leg is not None and not leg.crossing.translated
    return Refusal(
        RefusalKind.PROVIDER_REJECTED, failure.message, status=failure.status, body=failure.body if native else b""
    )
