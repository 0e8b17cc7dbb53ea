"""The governance stage: admission and the T1 read, as the pipeline sees them."""

from __future__ import annotations

from caching import exact
from caching.domain import CachedAnswer
from governance.admission import Ask, Denied, Hit, Limit
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
_BUDGETS = {Limit.DAY, Limit.MONTH}


class Governing:
    """Fulfils `inference.stages.Governance` with a gatekeeper."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper

    async def admit(self, order: Order, *, pays: bool, counts: bool) -> Admitted | CachedAnswer | Refusal:
        ask = Ask(
            request_id=order.call.request_id,
            t1_key=order.t1_key or f"asahi:t1:{{{order.principal.org_id}}}:",
            reserve_nano=order.reserve_nano if pays else None,
            tokens=order.reserve_tokens if pays else 0,
            read_t1=order.t1_key is not None,
            counts=counts,
        )
        verdict = await self._gatekeeper.admit(order.principal, ask)
        if isinstance(verdict, Hit):
            cached = exact.read_entry(verdict.entry)
            if cached is not None:
                return cached
            unread = Ask(ask.request_id, ask.t1_key, ask.reserve_nano, ask.tokens, read_t1=False, counts=False)
            verdict = await self._gatekeeper.admit(order.principal, unread)
        if isinstance(verdict, Denied):
            return _refusal_of(verdict)
        return Admitted()

    def release(self, order: Order) -> None:
        self._gatekeeper.release(order.call.request_id)


def _refusal_of(denied: Denied) -> Refusal:
    if denied.retry_after is None:
        return Refusal(RefusalKind.FORBIDDEN, _NEVER[denied.limit], details={"limit": denied.limit.value})
    kind = RefusalKind.OVER_BUDGET if denied.limit in _BUDGETS else RefusalKind.RATE_LIMITED
    return Refusal(kind, _MESSAGES[denied.limit], retry_after=denied.retry_after, details={"limit": denied.limit.value})
