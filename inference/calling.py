"""Calling a provider: the planned model, then its fallbacks, with retries, until one begins to answer.

Everything here may be cancelled at any await, and always says how it ended: `CallEnd` holds all that recording needs.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from inference.crossing import INVALID_ANSWER, Crossing, crossing_for, failure_in
from inference.domain import Model, Order, Plan, Refusal, RefusalKind, Report, Tier, Usage
from inference.flights import Execution
from inference.observe import observe_call, observe_failure, observe_left_alone, observe_spent_retries
from inference.providers.breaker import Breakers
from inference.providers.targets import Targets
from inference.providers.traffic import Traffic
from inference.providers.upstream import (
    Failure,
    FailureKind,
    OpenStream,
    Target,
    Upstream,
    UpstreamBroken,
    UpstreamFailed,
)
from inference.records import Begun, Records, elapsed_seconds
from inference.wire.checks import Invalid, first_stored
from inference.wire.format import format_of
from inference.wire.sse import EventSplitter, EventTooLargeError

log = logging.getLogger(__name__)

_BACKOFF_SECONDS = (0.1, 0.4, 1.0)
_LONGEST_WAIT_SECONDS = 2.0  # a Retry-After beyond this is not waited for: a fallback, or the caller, is told


@dataclass(frozen=True, slots=True)
class Providers:
    """What calls are made with."""

    upstream: Upstream
    targets: Targets
    breakers: Breakers
    traffic: Traffic
    records: Records
    used: Callable[[str], None]
    """Told of each account of an organization that is called."""
    max_retries: int


@dataclass(slots=True)
class Leg:
    """One model being called. `sent` from when the provider may be working on it."""

    model: Model
    target: Target
    crossing: Crossing
    sent: bool = False
    first_byte_seconds: float = 0.0
    upstream_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended.

    `refusal` is what the caller gets when there is no answer; `broken` says what cut a stream short; `body` is the
    whole answer, when there is one; `stated` what the provider said that it used.
    """

    outcome: str
    leg: Leg | None
    refusal: Refusal | None = None
    broken: str | None = None
    body: bytes | None = None
    stated: Usage | None = None
    given_up: tuple[Model, ...] = ()
    """The models that were asked and did not answer in time: what they did for it is not known."""


class ProviderCall:
    """One order being called."""

    def __init__(self, providers: Providers, order: Order, plan: Plan, execution: Execution, begun: Begun) -> None:
        self._providers = providers
        self._order = order
        self._plan = plan
        self._execution = execution
        self._begun = begun
        self._leg: Leg | None = None
        self._given_up: list[Model] = []
        self._stored = stored_objects_of(order)

    async def run(self) -> CallEnd:
        """Never raises."""
        try:
            end = await self._call_in_turn()
            return replace(end, given_up=tuple(self._given_up)) if self._given_up else end
        except asyncio.CancelledError:
            cancelled = Refusal(RefusalKind.CANCELLED, "the call was cancelled because nobody waited for it")
            return self._cut_off("client_disconnect", cancelled)
        except Exception:
            log.exception("call.failed", extra={"request_id": self._order.call.request_id})
            return self._cut_off("internal_error", Refusal(RefusalKind.INTERNAL, "something went wrong inside Asahi"))

    async def _call_in_turn(self) -> CallEnd:
        failure = Failure(FailureKind.UNREACHABLE, "no provider is available")
        accounts = self._order.principal.accounts
        for model in (self._plan.model, *self._plan.fallbacks):
            crossing = crossing_for(self._order.call, model, self._order.marks)
            if isinstance(crossing, Refusal):
                if model is not self._plan.model:
                    continue
                return self._refused(crossing)  # a caller named this model: automatic modes keep to what can be said
            target = self._providers.targets.for_model(model, crossing.upstream_wire, accounts)
            if target is None or not self._providers.breakers.passes(model.id, target.account):
                failure = Failure(FailureKind.UNREACHABLE, f"{model.id} is not available")
                continue
            if self._stored is not None and not target.account:
                failure = Failure(FailureKind.ACCOUNT_NEEDED, self._stored.message)
                continue
            self._leg = Leg(model, target, crossing)
            result = await self._call_with_retries(self._leg)
            if isinstance(result, CallEnd):
                return result
            failure = result
            if failure.kind is FailureKind.REJECTED:
                break
        native = self._leg is not None and not self._leg.crossing.translated
        return self._refused(refusal_of(failure, native=native))

    async def _call_with_retries(self, leg: Leg) -> CallEnd | Failure:
        call = self._call_streamed if self._order.call.stream else self._call_whole
        line = (leg.target.provider, leg.target.account)
        self._providers.traffic.called(line)
        observe_call(leg.target.provider)
        if leg.target.account:
            self._providers.used(leg.target.account)
        for attempt in range(self._providers.max_retries + 1):
            leg.sent = True
            result = await call(leg)
            if isinstance(result, CallEnd):
                self._providers.breakers.succeeded(leg.model.id, leg.target.account)
                return result
            leg.sent = False
            result = own_key_refused(result, leg.target)
            self._count(leg, result)
            wait = wait_before_retry(attempt, result.retry_after)
            if result.permanent or attempt == self._providers.max_retries or wait > _LONGEST_WAIT_SECONDS:
                break
            if not self._providers.traffic.may_retry(line):
                observe_spent_retries(leg.target.provider)
                break
            await asyncio.sleep(wait)
        return result

    async def _call_whole(self, leg: Leg) -> CallEnd | Failure:
        called_at = time.perf_counter()
        raw = await self._providers.upstream.complete(leg.target, leg.crossing.request, leg.crossing.headers)
        leg.upstream_seconds += time.perf_counter() - called_at
        if isinstance(raw, Failure):
            return raw
        whole = leg.crossing.read_whole(raw)
        if whole is None:
            return failure_in(raw) or Failure(FailureKind.BROKEN, INVALID_ANSWER)
        return CallEnd("ok", leg, body=whole.body, stated=whole.usage)

    async def _call_streamed(self, leg: Leg) -> CallEnd | Failure:
        called_at = time.perf_counter()
        async with self._providers.upstream.stream(leg.target, leg.crossing.request, leg.crossing.headers) as opened:
            leg.upstream_seconds += time.perf_counter() - called_at
            if isinstance(opened, Failure):
                return opened
            if not await self._providers.records.confirm(self._begun):
                return self._cut_off("internal_error", UNRECORDABLE)
            try:
                broken = await self._relay(opened, leg)
            except UpstreamFailed as error:
                return error.failure
        reader = leg.crossing.reader
        if not reader.finished and not leg.first_byte_seconds:
            return Failure(FailureKind.BROKEN, broken or "the provider's stream ended before it began")
        if reader.finished and broken is None and reader.error is None:
            return CallEnd("ok", leg, body=leg.crossing.whole(), stated=leg.crossing.stated)
        if reader.error is None:
            broken = broken or "the provider's stream ended too early"
        return CallEnd("provider_error", leg, broken=broken, stated=leg.crossing.stated)

    async def _relay(self, opened: OpenStream, leg: Leg) -> str | None:
        """Pass events on as they arrive. Returns what broke, None when nothing did.

        Raises UpstreamFailed when the stream is an error and no answer.
        """
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
        except UpstreamFailed:
            raise
        except (UpstreamBroken, EventTooLargeError) as error:
            return str(error)
        return None

    def _report_of_open_stream(self, leg: Leg) -> Report:
        """What can be said before a stream has ended: its cost is in its receipt."""
        return Report(
            request_id=self._order.call.request_id,
            model=leg.model.id,
            tier=Tier.MISS,
            routing_mode=self._plan.mode,
            routing_reason=self._plan.reason_for(leg.model),
            cost=None,
            usage=None,
            latency_ms=math.ceil(leg.first_byte_seconds * 1000),
            quality=leg.model.quality_for(self._plan.task),
            techniques=self._order.techniques,
            tokens_saved=self._order.tokens_saved,
            simulated=leg.target.simulated,
        )

    def _cut_off(self, outcome: str, refusal: Refusal) -> CallEnd:
        if self._leg is not None and not self._providers.upstream.reached():
            self._leg.sent = False
        stated = None if self._leg is None else self._leg.crossing.stated
        return CallEnd(outcome, self._leg, refusal=refusal, stated=stated)

    def _refused(self, refusal: Refusal) -> CallEnd:
        if self._leg is not None:
            self._leg.sent = False  # what the provider refuses, it does not charge
        return CallEnd("provider_error", self._leg, refusal=refusal)

    def _count(self, leg: Leg, failure: Failure) -> None:
        observe_failure(leg.target.provider, failure)
        if failure.kind is FailureKind.TIMED_OUT:
            self._given_up.append(leg.model)
        breakers, model, account = self._providers.breakers, leg.model.id, leg.target.account
        if failure.kind is FailureKind.REJECTED:
            breakers.succeeded(model, account)
        elif failure.kind is not FailureKind.KEY_REFUSED:  # which stays the answer until the key is mended
            if breakers.failed(model, account, timed_out=failure.kind is FailureKind.TIMED_OUT) and not account:
                observe_left_alone(model)
            self._providers.traffic.failed((leg.target.provider, account))


def stored_objects_of(order: Order) -> Invalid | None:
    """Why this call must only be made with the organization's own key: it names what a provider keeps for an account.

    Without an account of its own the organization was refused before.
    """
    if not order.principal.accounts:
        return None
    return first_stored(format_of(order.call.wire).stored_objects(order.call.body))


UNRECORDABLE = Refusal(RefusalKind.UNAVAILABLE, "the request cannot be recorded now, so it was not answered; try again")


def wait_before_retry(attempt: int, asked_for: float | None) -> float:
    """Seconds. No sooner than the provider asks for, and a little later, so that not all come back at once."""
    jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, protects nothing
    backoff = _BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)] * jitter
    return backoff if asked_for is None else max(backoff, asked_for * (0.9 + 0.2 * jitter))


def own_key_refused(failure: Failure, target: Target) -> Failure:
    """A provider that refuses the organization's own key: said so that nobody takes it for our API key, or for us."""
    if not target.account or failure.kind is not FailureKind.MISCONFIGURED:
        return failure
    key = f"own key (...{target.hint})" if target.hint else "own key"
    message = f"{target.provider} refused this organization's {key} for it with status {failure.status}"
    return replace(failure, kind=FailureKind.KEY_REFUSED, message=message)


def refusal_of(failure: Failure, *, native: bool) -> Refusal:
    """What the caller is told. `native`: the provider speaks the caller's wire, so its own words can be passed on."""
    if failure.kind is FailureKind.KEY_REFUSED:
        return Refusal(RefusalKind.PROVIDER_KEY, failure.message)
    if failure.kind is FailureKind.ACCOUNT_NEEDED:
        return Refusal(RefusalKind.INVALID, failure.message)
    if failure.kind is not FailureKind.REJECTED:
        return Refusal(RefusalKind.PROVIDER_FAILED, failure.message, retry_after=failure.retry_after)
    return Refusal(
        RefusalKind.PROVIDER_REJECTED, failure.message, status=failure.status, body=failure.body if native else b""
    )
