"""The governance stage: admission and the T1 read, as the pipeline sees them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from caching.domain import CachedAnswer
from caching.exact import ExactCache, flight_of
from governance.admission import Ask, Denied, Elsewhere, Hit, Limit, Verdict
from governance.domain import Principal
from governance.gatekeeper import Gatekeeper
from inference.domain import Order, Refusal, RefusalKind
from inference.stages import Admitted

_MESSAGES = {
    Limit.REQUESTS: "the organization's limit of requests per minute is reached",
    Limit.TOKENS: "the organization's limit of tokens per minute is reached",
    Limit.CONCURRENCY: "the organization's limit of requests at the same time is reached",
    Limit.DAY: "this request could exceed what is left of the organization's daily budget",
    Limit.MONTH: "this request could exceed what is left of the organization's monthly budget",
}
_NEVER = {
    Limit.REQUESTS: "the organization's limit of requests per minute is 0",
    Limit.TOKENS: "this request alone could use more than the organization's limit of tokens per minute",
}
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.01, 0.25
_BUDGETS = {Limit.DAY, Limit.MONTH}


class Governing:
    """Fulfils `inference.stages.Governance` with a gatekeeper and T1."""

    def __init__(self, gatekeeper: Gatekeeper, t1: ExactCache) -> None:
        self._gatekeeper = gatekeeper
        self._t1 = t1

    async def admit(self, order: Order, *, pays: bool, counts: bool) -> Admitted | CachedAnswer | Refusal:
        if order.t1_key is not None and (kept := self._t1.find_without_redis(order.t1_key)) is not None:
            return kept
        ask = Ask(
            request_id=order.call.request_id,
            t1_key=order.t1_key or f"asahi:t1:{{{order.principal.org_id}}}:",
            reserve_nano=order.reserve_nano if pays else None,
            tokens=order.reserve_tokens if pays else 0,
            read_t1=order.t1_key is not None,
            counts=counts,
            flight_key=flight_of(order.t1_key) if pays and order.t1_key is not None else "",
        )
        verdict = await self._gatekeeper.admit(order.principal, ask)
        if isinstance(verdict, Elsewhere):
            verdict = await self._wait_for(verdict, order, ask)
        return await self._read(order.principal, ask, verdict)

    async def admit_for_later(self, order: Order) -> Admitted | CachedAnswer | Refusal:
        """Only its budget counts: it takes nobody's place for the hours it may wait, and nobody waits for it."""
        policy = replace(order.principal.policy, requests_per_minute=None, tokens_per_minute=None, max_concurrency=None)
        principal = replace(order.principal, policy=policy)
        ask = Ask(
            request_id=order.call.request_id,
            t1_key=order.t1_key or f"asahi:t1:{{{principal.org_id}}}:",
            reserve_nano=order.reserve_nano,
            tokens=0,
            read_t1=order.t1_key is not None,
            counts=False,
        )
        return await self._read(principal, ask, await self._gatekeeper.admit(principal, ask))

    async def _read(self, principal: Principal, ask: Ask, verdict: Verdict) -> Admitted | CachedAnswer | Refusal:
        if isinstance(verdict, Hit):
            cached = self._t1.read(principal.org_id, ask.t1_key, verdict.entry)
            if cached is not None:
                return cached
            alone = replace(ask, read_t1=False, counts=False, flight_key="")
            verdict = await self._gatekeeper.admit(principal, alone)
        if isinstance(verdict, Denied):
            return _refusal_of(verdict)
        return Admitted()

    def release(self, order: Order) -> None:
        landing = () if order.t1_key is None else (self._t1.landing(order.t1_key, order.call.request_id),)
        self._gatekeeper.release(order.call.request_id, *landing)

    async def _wait_for(self, elsewhere: Elsewhere, order: Order, ask: Ask) -> Verdict:
        """Until the answer that another process is getting is in T1. When its flight brings none, this call goes alone:
        what could not be shared once will not be the next time either."""
        wait = _FIRST_WAIT_SECONDS
        again = replace(ask, counts=False)
        while True:
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT_SECONDS)
            verdict = await self._gatekeeper.admit(order.principal, again)
            if not isinstance(verdict, Elsewhere):
                return verdict
            if verdict != elsewhere:
                return await self._gatekeeper.admit(order.principal, replace(again, flight_key=""))


def _refusal_of(denied: Denied) -> Refusal:
    if denied.retry_after is None:
        return Refusal(RefusalKind.FORBIDDEN, _NEVER[denied.limit], details={"limit": denied.limit.value})
    kind = RefusalKind.OVER_BUDGET if denied.limit in _BUDGETS else RefusalKind.RATE_LIMITED
    return Refusal(kind, _MESSAGES[denied.limit], retry_after=denied.retry_after, details={"limit": denied.limit.value})
