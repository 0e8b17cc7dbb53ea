"""What operators see of the hot path: one structured log line and a few counters per answer. No prompt, no key."""

from __future__ import annotations

import logging

from analytics import prometheus
from analytics.domain import UsageEvent
from inference.providers.upstream import Failure

log = logging.getLogger("asahi.inference")


def observe_answer(event: UsageEvent, overhead_seconds: float, *, simulated: bool) -> None:
    """Counts and logs an answered request. The overhead is what Asahi added to the provider's own time."""
    prometheus.count_answer(event, overhead_seconds)
    log.info(
        "inference",
        extra={
            "request_id": event.request_id,
            "org_id": event.org_id,
            "model": event.model,
            "cost_nano": event.cost_nano,
            "cache_hit": event.tier > 0,
            "tier": event.tier,
            "outcome": event.outcome,
            "latency_ms": event.latency_ms,
            "simulated": simulated,
        },
    )


def observe_failure(provider: str, failure: Failure) -> None:
    """Counts and logs an upstream call that brought no answer."""
    prometheus.count_provider_error(provider, failure.kind)
    facts = {"provider": provider, "failure": failure.kind.value, "upstream_status": failure.status}
    log.warning("provider.failed", extra=facts)
