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
        for field, value in changes.items():
            setattr(policy, field, value)
        if not created:
            policy.version = policy.version + 1
        policy.full_clean(exclude=["org"])
        policy.save()
        transaction.on_commit(lambda: publish(POLICY_CHANNEL, str(org_id)))
    return policy
