"""What the read side answers with. Amounts are exact integer nano-USD; a `_usd` property is the same as a Decimal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

NANO_PER_USD = Decimal(10**9)


@dataclass(frozen=True, slots=True)
class Sums:
    """Figures of a set of requests. Savings are net of what Asahi spent itself; shares are 0 to 1, None of nothing."""

    requests: int = 0
    errors: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    tokens_saved: int = 0
    cost_nano: int = 0
    original_cost_nano: int = 0
    own_spend_nano: int = 0
    cache_saved_nano: int = 0
    latency_ms_sum: int = 0
    quality_sum: float = 0.0
    quality_count: int = 0

    @property
    def savings_nano(self) -> int:
        return self.original_cost_nano - self.cost_nano - self.own_spend_nano

    @property
    def savings_share(self) -> Decimal | None:
        return Decimal(self.savings_nano) / self.original_cost_nano if self.original_cost_nano else None

    @property
    def hit_share(self) -> Decimal | None:
        return Decimal(self.cache_hits) / self.requests if self.requests else None

    @property
    def avg_quality(self) -> float | None:
        return self.quality_sum / self.quality_count if self.quality_count else None

    @property
    def avg_latency_ms(self) -> float | None:
        return self.latency_ms_sum / self.requests if self.requests else None

    @property
    def cost_usd(self) -> Decimal:
        return self.cost_nano / NANO_PER_USD

    @property
    def original_cost_usd(self) -> Decimal:
        return self.original_cost_nano / NANO_PER_USD

    @property
    def savings_usd(self) -> Decimal:
        return self.savings_nano / NANO_PER_USD


@dataclass(frozen=True, slots=True)
class ModelSums:
    model: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class TierSums:
    """`tier` is 0 for a provider's answers, 1 to 3 for a cache's."""

    tier: int
    sums: Sums


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of the requests that share a name in some dimension: a model, a key's id, a tag ..."""

    name: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class Bucket:
    """The requests of one hour or day."""

    starts_at: datetime
    sums: Sums


@dataclass(frozen=True, slots=True)
class Inference:
    """One request as a list shows it: net, when its estimate was corrected."""

    request_id: str
    started_at: datetime
    key_id: UUID | None
    end_user: str
    tags: tuple[str, ...]
    model: str
    provider: str
    requested_model: str
    tier: int
    task: str
    routing_mode: str
    routing_reason: str
    outcome: str
    status: int
    input_tokens: int
    output_tokens: int
    tokens_saved: int
    cost_nano: int
    original_cost_nano: int
    own_spend_nano: int
    latency_ms: int
    quality: float | None
    techniques: tuple[str, ...]

    @property
    def savings_nano(self) -> int:
        return self.original_cost_nano - self.cost_nano - self.own_spend_nano

    @property
    def cache_hit(self) -> bool:
        return self.tier > 0
