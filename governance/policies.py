"""Changing an organization's policy. Every change is a new version, and every gateway process hears of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from governance.models import Policy
from governance.notices import publish

POLICY_CHANNEL = "asahi:policy"
"""Where the id of an organization whose policy changed is announced."""


def change_policy(*, org_id: UUID | str, changes: dict[str, Any]) -> Policy:
    """Set fields of the policy, which is created if there is none. Announced once committed."""
    with transaction.atomic():
        policy, created = Policy.objects.select_for_update().get_or_create(org_id=UUID(str(org_id)))
        if "cache_ttl_seconds" in changes and _is_shorter(changes["cache_ttl_seconds"], policy.cache_ttl_seconds):
            policy.cache_epoch = policy.cache_epoch + 1
        for field, value in changes.items():
            setattr(policy, field, value)
        if not created:
            policy.version = policy.version + 1
        policy.full_clean(exclude=["org"])
        policy.save()
        transaction.on_commit(lambda: publish(POLICY_CHANNEL, str(org_id)))
    return policy


def _is_shorter(seconds: int | None, before: int | None) -> bool:
    """Whether answers that were kept until now must not be given any more. The deployment's own time, for None, may
    be another tomorrow: between it and any other there is no telling."""
    return seconds != before and (seconds is None or before is None or seconds < before)
