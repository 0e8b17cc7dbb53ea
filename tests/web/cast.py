"""The cast of the page tests: people with their organizations, and requests they made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from analytics import ids, ledger
from analytics.domain import UsageEvent
from governance.domain import Role
from governance.models import Membership, Organization, User
from governance.workspaces import create_organization

PASSWORD = "morning-light-over-the-bay"


@dataclass(frozen=True)
class Person:
    user: User
    org: Organization


def new_person(email: str, org_name: str) -> Person:
    user = User.objects.create_user(email, PASSWORD)
    return Person(user, create_organization(name=org_name, owner=user))


def join(org: Organization, email: str, role: Role) -> User:
    user = User.objects.create_user(email, PASSWORD)
    Membership.objects.create(org=org, user=user, role=role)
    return user


def record_request(org: Organization, **changes: Any) -> UsageEvent:
    """One answered request in the ledger, a moment ago unless `request_id` says otherwise."""
    plain: dict[str, Any] = {
        "request_id": ids.new_request_id(),
        "org_id": str(org.pk),
        "key_id": "",
        "wire": "chat",
        "requested_model": "",
        "model": "gpt-6-luna",
        "provider": "openai",
        "routing_mode": "autopilot",
        "routing_reason": "the cheapest that is good enough",
        "tier": 0,
        "outcome": "ok",
        "status": 200,
        "input_tokens": 100,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 50,
        "reasoning_tokens": 0,
        "cost_nano": 123_000,
        "original_cost_nano": 1_000_000,
        "own_spend_nano": 0,
        "baseline_model": "gpt-6.1-sol",
        "price_version": "test",
        "latency_ms": 420,
        "quality": 0.85,
    }
    event = UsageEvent(**(plain | changes))
    with transaction.atomic():
        written = ledger.record([event])
    assert len(written) == 1
    return event


def request_id_at(at: datetime) -> str:
    """A request id that carries this time, as the gateway's own do."""
    fresh = ids.to_uuid(ids.new_request_id()).hex
    return f"{ids.PREFIX}{int(at.timestamp() * 1000):012x}{fresh[12:]}"
