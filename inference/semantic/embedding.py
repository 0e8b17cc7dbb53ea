"""Which embedder a request's question goes to, how long it is waited for, and what that costs Asahi."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from caching.domain import Embedded, Embedder, MeteredEmbedder
from inference.domain import Order
from inference.tokens import estimate_tokens


def for_nothing(_: int) -> int:
    """The price of what runs in this process."""
    return 0


@dataclass(frozen=True, slots=True)
class Source:
    """One embedder, as requests use it.

    `patience` is in seconds; `model` is the name that a policy may deny, empty for what runs in this process;
    `price_of` says what so many tokens cost, in nano-USD. `proven`: T2's starting thresholds were measured with it.
    """

    embedder: Embedder
    patience: float
    model: str = ""
    price_of: Callable[[int], int] = for_nothing
    proven: bool = True

    def begin(self, text: str) -> asyncio.Task[Embedded]:
        """Goes on even if nobody waits for it any more."""
        work = asyncio.ensure_future(_embed(self.embedder, text))
        work.add_done_callback(_forgive)
        return work

    def spent(self, order: Order, tokens: int) -> Order:
        """The order with what an answer of this embedder cost."""
        return self._with_cost(order, tokens, {})

    def spent_perhaps(self, order: Order, text: str) -> Order:
        """The same for an answer that nobody waited for: it is paid all the same, and estimated."""
        return self._with_cost(order, _tokens_of(text), {"estimated": True})

    def _with_cost(self, order: Order, tokens: int, more: Mapping[str, Any]) -> Order:
        if not self.model:
            return order
        nano = self.price_of(tokens)
        return with_own_spend(order, "embedding", nano, {"model": self.model, "tokens": tokens, **more})


@dataclass(frozen=True, slots=True)
class Sources:
    """The embedder in this process, and the one behind an API that this deployment is configured for, if any."""

    local: Source
    remote: Source | None = None

    def of(self, order: Order) -> Source:
        """An organization that does not allow a model is not embedded by it either: its questions stay here."""
        if self.remote is None or not order.principal.policy.allows(self.remote.model):
            return self.local
        return self.remote

    async def aclose(self) -> None:
        """Lets go of what is held outside this process."""
        if self.remote is not None and isinstance(self.remote.embedder, MeteredEmbedder):
            await self.remote.embedder.aclose()


def with_own_spend(order: Order, what: str, nano: int, facts: Mapping[str, Any]) -> Order:
    """The order with one more thing that Asahi paid for itself, which the receipt shows among its evidence."""
    said = {**order.evidence, what: {**facts, "own_spend_nano": nano}}
    return replace(order, own_spend_nano=order.own_spend_nano + nano, evidence=said)


async def _embed(embedder: Embedder, text: str) -> Embedded:
    if not isinstance(embedder, MeteredEmbedder):
        return Embedded(await embedder.embed([text]), 0)
    answer = await embedder.embed_metered([text])
    return answer if answer.tokens else replace(answer, tokens=_tokens_of(text))


def _tokens_of(text: str) -> int:
    return estimate_tokens(len(text.encode("utf-8", "replace")))


def _forgive(work: asyncio.Future[Any]) -> None:
    if not work.cancelled():
        work.exception()
