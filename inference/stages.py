"""What each stage of the pipeline promises. The pipeline knows only these; the wiring hands in what fulfils them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from caching.domain import CachedAnswer
from governance.domain import Principal
from inference.domain import Call, Order, Plan, Refusal, Report, Tier
from inference.flights import Execution, Outcome


@dataclass(frozen=True, slots=True)
class Admitted:
    """Go on: the limits allow it, its worst case is reserved, and T1 has no answer."""


class Quote(Protocol):
    """Finds what a call may be served by and cost at most, before anything is spent. `notes` go into the receipt."""

    def __call__(self, principal: Principal, call: Call, notes: Mapping[str, str]) -> Order | Refusal: ...


class Governance(Protocol):
    """Admits or refuses before money is spent, and reads T1 in the same round trip."""

    async def admit(self, order: Order, *, pays: bool, counts: bool) -> Admitted | CachedAnswer | Refusal:
        """`pays` is False for a call that joins another's; `counts` is False for one already counted against limits."""
        ...

    async def admit_for_later(self, order: Order) -> Admitted | CachedAnswer | Refusal:
        """The same for a call whose answer may come in hours: only its budget counts."""
        ...

    def release(self, order: Order) -> None:
        """Give back what an admitted order reserved and will not use."""
        ...


Learn = Callable[[Outcome], None]
"""Told how the upstream call ended that T2 or T3 could not spare; returns at once."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What T2 or T3 found. `order` says in its notes why it was a hit or why not, and what the lookup itself cost.

    With an `answer`, `reason` says why it may be given. Without one, `learn` wants the answer that a provider gives.
    With a `refusal` there is nothing that could be sent to a provider.
    """

    order: Order
    answer: CachedAnswer | None = None
    reason: str = ""
    learn: Learn | None = None
    refusal: Refusal | None = None


class Cache(Protocol):
    """T2 or T3."""

    async def look_up(self, order: Order) -> Looked:
        """Never raises: what goes wrong is noted, and the request goes on."""
        ...


class Rewrite(Protocol):
    """A stage that changes what is asked: batching, token optimization, enrichment."""

    async def __call__(self, order: Order) -> Order: ...


class Route(Protocol):
    """Picks the model."""

    def __call__(self, order: Order, /) -> Plan | Refusal: ...


class Execute(Protocol):
    """Calls the model, and records what the call used when it ends."""

    def launch(self, order: Order, plan: Plan) -> Execution: ...


class RecordHit(Protocol):
    """Records an answer that came from a cache."""

    async def __call__(self, order: Order, cached: CachedAnswer, tier: Tier, reason: str) -> Report: ...


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages in their order. One that is None is not configured: it is passed over, and receipts say so."""

    quote: Quote
    governance: Governance
    batching: Rewrite | None
    t2: Cache | None
    t3: Cache | None
    optimize: Rewrite | None
    enrich: Rewrite | None
    route: Route
    execute: Execute
    record_hit: RecordHit

    def unconfigured(self) -> dict[str, str]:
        """What receipts say of the stages that are passed over."""
        optional = {
            "batching": self.batching,
            "t2": self.t2,
            "t3": self.t3,
            "optimization": self.optimize,
            "enrichment": self.enrich,
        }
        return {name: "not configured" for name, stage in optional.items() if stage is None}
