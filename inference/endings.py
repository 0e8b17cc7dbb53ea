"""How a request ended: whose answer it got and why, and what that used."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from caching.domain import CachedAnswer
from inference.domain import Model, Plan, RoutingMode, Tier, Usage

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Usage).decode


@dataclass(frozen=True, slots=True)
class Ending:
    """`paid` is the model that a provider is paid for, None when a cache answered."""

    model: str
    provider: str
    paid: Model | None
    usage: Usage
    mode: RoutingMode
    reason: str
    task: str
    quality: float | None
    simulated: bool
    tier: Tier = Tier.MISS
    outcome: str = "ok"
    status: int = 200
    first_byte_seconds: float = 0.0
    """From the request's arrival to its first streamed byte; 0 for a whole answer."""
    upstream_seconds: float = 0.0
    """Of the time to the first byte, or to the whole answer, what was spent waiting for providers."""
    own_account: bool = False
    """Whether the provider was called with the organization's own key: it bills the organization itself."""
    unconfirmed: tuple[tuple[Model, Usage], ...] = ()
    """What may have been used by models that did not answer in time. Nobody is charged for it."""
    runners_up: tuple[str, ...] = ()
    """The models that would have been asked next."""

    @classmethod
    def of_call(cls, plan: Plan, model: Model, usage: Usage, **facts: object) -> Ending:
        """The end of a provider call made by `plan`, by its first model or a fallback."""
        return cls(
            model=model.id,
            provider=model.provider,
            paid=model,
            usage=usage,
            mode=plan.mode,
            reason=plan.reason_for(model),
            task=plan.task,
            quality=model.quality_for(plan.task),
            runners_up=tuple(other.id for other in plan.fallbacks),
            **facts,  # type: ignore[arg-type]
        )

    @classmethod
    def of_hit(cls, cached: CachedAnswer, mode: RoutingMode, tier: Tier, reason: str) -> Ending:
        """An answer out of a cache."""
        return cls(
            model=cached.model,
            provider=cached.provider,
            paid=None,
            usage=unpack_usage(cached.usage),
            mode=mode,
            reason=reason,
            task=cached.task,
            quality=cached.quality,
            simulated=cached.simulated,
            tier=tier,
        )


def pack_usage(usage: Usage) -> bytes:
    """As a cache keeps it, beside the answer."""
    return _pack(usage)


def unpack_usage(packed: bytes) -> Usage:
    """Nothing is claimed to be saved by an entry whose usage another version of Asahi wrote in a way unknown here."""
    try:
        return _unpack(packed)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return Usage(estimated=True)
