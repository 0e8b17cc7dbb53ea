"""What is pushed to an organization's open dashboards after the ledger has it: a small message, a few times a second.

A dashboard joins the group `group_for(org_id)` and receives `LiveUpdate` messages, whose `type` calls its handler
`live_update`. The sums are what was added since the message before, so a page may add them up, or just ask again.
Live updates are a courtesy: one that cannot be sent is dropped and counted, and the ledger is none the worse.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Literal, TypedDict
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from analytics import ids
from analytics.ledger import Written

LATEST = 5
FLUSH_SECONDS = 0.25


class LiveInference(TypedDict):
    """One request as the list of recent inferences shows it. Money is nano-USD."""

    request_id: str
    timestamp: str
    model: str
    tier: int
    outcome: str
    cost_nano: int
    original_cost_nano: int
    savings_nano: int
    latency_ms: int
    routing_reason: str


class LiveUpdate(TypedDict):
    """What was added to an organization's figures since its last update, and the newest requests, newest first."""

    type: Literal["live.update"]
    requests: int
    cache_hits: int
    cost_nano: int
    original_cost_nano: int
    savings_nano: int
    latest: list[LiveInference]


def group_for(org_id: UUID | str) -> str:
    """The channel group of an organization's dashboards."""
    return f"org.{UUID(str(org_id)).hex}"


class LiveFeed:
    """Collects what was written and sends it, one message per organization and flush."""

    def __init__(self) -> None:
        self._added: dict[UUID, _Added] = {}

    def collect(self, written: Iterable[Written]) -> None:
        for entry in written:
            self._added.setdefault(entry.org_id, _Added()).add(entry)

    def flush(self) -> None:
        """Send what was collected. Raises redis.RedisError; what was collected is gone either way."""
        if not self._added:
            return
        updates = [(group_for(org_id), added.message()) for org_id, added in self._added.items()]
        self._added = {}
        async_to_sync(_send)(updates)


class _Added:
    """One organization's sums between two flushes."""

    __slots__ = ("cache_hits", "cost_nano", "latest", "original_cost_nano", "own_spend_nano", "requests")

    def __init__(self) -> None:
        self.requests = self.cache_hits = 0
        self.cost_nano = self.original_cost_nano = self.own_spend_nano = 0
        self.latest: deque[Written] = deque(maxlen=LATEST)

    def add(self, entry: Written) -> None:
        self.cost_nano += entry.cost_nano
        self.original_cost_nano += entry.original_cost_nano
        self.own_spend_nano += entry.own_spend_nano
        if entry.kind != "correction":
            self.requests += 1
            self.cache_hits += entry.tier > 0
            self.latest.append(entry)

    def message(self) -> LiveUpdate:
        return {
            "type": "live.update",
            "requests": self.requests,
            "cache_hits": self.cache_hits,
            "cost_nano": self.cost_nano,
            "original_cost_nano": self.original_cost_nano,
            "savings_nano": self.original_cost_nano - self.cost_nano - self.own_spend_nano,
            "latest": [_inference(entry) for entry in reversed(self.latest)],
        }


def _inference(entry: Written) -> LiveInference:
    return {
        "request_id": ids.from_uuid(entry.request_id),
        "timestamp": entry.started_at.isoformat(),
        "model": entry.model,
        "tier": entry.tier,
        "outcome": entry.outcome,
        "cost_nano": entry.cost_nano,
        "original_cost_nano": entry.original_cost_nano,
        "savings_nano": entry.original_cost_nano - entry.cost_nano - entry.own_spend_nano,
        "latency_ms": entry.latency_ms,
        "routing_reason": entry.routing_reason,
    }


async def _send(updates: Iterable[tuple[str, LiveUpdate]]) -> None:
    layer = get_channel_layer()
    await asyncio.gather(*(layer.group_send(group, update) for group, update in updates))
