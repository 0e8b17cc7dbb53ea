"""What operators see of the hot path: one structured log line and a few counters per answer. No prompt, no key."""

from __future__ import annotations

import logging

from analytics import prometheus
from analytics.domain import UsageEvent
from inference.access_log import AccessLog
from inference.domain import Tier
from inference.providers.upstream import Failure

log = logging.getLogger(__name__)
_access_log = AccessLog()


def observe_answer(event: UsageEvent, overhead_seconds: float, *, simulated: bool) -> None:
    """Counts and logs an answered request. The overhead is what Asahi added to the provider's own time."""
    prometheus.count_answer(event, overhead_seconds)
    if log.isEnabledFor(logging.INFO):
        _access_log.say(event, simulated=simulated)


def observe_lookup(tier: Tier, outcome: str, guard: str = "") -> None:
    """Counts what T2 or T3 decided about a request, and which guard spoke against an answer."""
    prometheus.count_lookup(tier.value, outcome, guard)


def observe_call(provider: str) -> None:
    """Counts a call that is about to be made."""
    prometheus.count_provider_call(provider)


def observe_left_alone(model: str) -> None:
    """Counts and logs that a model keeps failing, and is not called for a while."""
    prometheus.count_left_alone(model)
    log.warning("model.left_alone", extra={"model": model})


def observe_spent_retries(provider: str) -> None:
    """Counts and logs a call that was not repeated because too many to this provider were."""
    prometheus.count_spent_retries(provider)
    log.warning("provider.retries_spent", extra={"provider": provider})


def observe_failure(provider: str, failure: Failure) -> None:
    """Counts and logs an upstream call that brought no answer."""
    prometheus.count_provider_error(provider, failure.kind)
    facts = {"provider": provider, "failure": failure.kind.value, "upstream_status": failure.status}
    log.warning("provider.failed", extra=facts)
