"""Builders of what happens: calls that start, requests that end, at a time of one's choosing."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from analytics.domain import CallStarted, UsageEvent

LONG_AGO = datetime(2026, 3, 14, 15, 9, 26, 535000, tzinfo=UTC)


def request_id_at(at: datetime) -> str:
    """A request id made at this moment."""
    milliseconds = int(at.timestamp() * 1000 + 0.5)
    random = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return f"req_{UUID(int=value).hex}"


def finished(org_id: object, *, at: datetime = LONG_AGO, **changes: Any) -> UsageEvent:
    """A request that a provider answered: 120 tokens in, 40 out, for 220,000 nano-USD instead of 480,000."""
    facts: dict[str, Any] = {
        "request_id": request_id_at(at),
        "org_id": str(org_id),
        "key_id": "",
        "wire": "chat",
        "requested_model": "gpt-6.1-sol",
        "model": "gpt-6.1-terra",
        "provider": "openai",
        "routing_mode": "autopilot",
        "routing_reason": "the cheapest model that meets the bar",
        "tier": 0,
        "outcome": "ok",
        "status": 200,
        "input_tokens": 120,
        "cached_input_tokens": 20,
        "cache_write_tokens": 0,
        "output_tokens": 40,
        "reasoning_tokens": 8,
        "cost_nano": 220_000,
        "original_cost_nano": 480_000,
        "own_spend_nano": 10_000,
        "baseline_model": "gpt-6.1-sol",
        "price_version": "2026-11",
        "latency_ms": 900,
        "first_byte_ms": 300,
        "quality": 0.9,
        "techniques": ("whitespace",),
        "tokens_saved": 15,
        "receipt": {"stages": {"route": "autopilot"}},
        "task": "classification",
    }
    return UsageEvent(**facts | changes)


def cache_hit(org_id: object, tier: int = 1, **changes: Any) -> UsageEvent:
    """The same request, answered from a cache for nothing."""
    return finished(org_id, **{"tier": tier, "cost_nano": 0, "own_spend_nano": 0, "latency_ms": 2, **changes})


def started(org_id: object, *, at: datetime = LONG_AGO, **changes: Any) -> CallStarted:
    """A provider call whose worst case is 900,000 nano-USD."""
    facts: dict[str, Any] = {
        "request_id": request_id_at(at),
        "org_id": str(org_id),
        "key_id": "",
        "process_id": str(uuid4()),
        "wire": "chat",
        "requested_model": "gpt-6.1-sol",
        "model": "gpt-6.1-terra",
        "provider": "openai",
        "routing_mode": "autopilot",
        "routing_reason": "the cheapest model that meets the bar",
        "estimate_nano": 900_000,
        "estimate_input_tokens": 130,
        "estimate_output_tokens": 150,
        "price_version": "2026-11",
        "task": "classification",
    }
    return CallStarted(**facts | changes)


def end_of(call: CallStarted, **changes: Any) -> UsageEvent:
    """How a started call ended."""
    same = ("request_id", "key_id", "wire", "requested_model", "model", "provider", "tags", "end_user", "task")
    return finished(call.org_id, **{name: getattr(call, name) for name in same} | changes)
