"""Organizations and how a person comes to have one."""

from __future__ import annotations

from django.db import transaction

from governance.domain import Role
from governance.models import Membership, Organization, Policy, User

_NAME_LENGTH = 120


def create_organization(*, name: str, owner: User) -> Organization:
    """A new organization with its owner and an open policy."""
    with transaction.atomic():
        org = Organization.objects.create(name=name[:_NAME_LENGTH])
        Membership.objects.create(org=org, user=owner, role=Role.OWNER)
        Policy.objects.create(org=org)
    return org


def ensure_workspace(user: User, *, org_name: str = "") -> Organization:
    """The organization a person works in, created when they have none. Asking twice, or twice at once, gives one."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # a double click at sign-up waits here for the first
        membership = Membership.objects.filter(user=user).select_related("org").order_by("joined_at", "id").first()
        if membership is not None:
            return membership.org
        return create_organization(name=org_name.strip() or _default_name(user), owner=user)


def _default_name(user: User) -> str:
    return f"{user.full_name.strip() or user.email.partition('@')[0]}'s organization"
