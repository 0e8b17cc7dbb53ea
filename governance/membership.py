"""Where a signed-in person stands: the membership a page or a socket acts under, and what its role may do."""

from __future__ import annotations

from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from governance.domain import Role
from governance.models import Membership, User

CHOSEN_ORG = "chosen_org_id"
"""The session's key for the organization a person with several of them last switched to."""

KEY_MANAGERS = frozenset({Role.OWNER, Role.ADMIN, Role.DEVELOPER})
ORGANIZATION_MANAGERS = frozenset({Role.OWNER, Role.ADMIN})


def find_membership(*, user_id: UUID, chosen_org_id: str | None) -> Membership | None:
    """The membership in the chosen organization, or else the oldest one.

    It is read anew for every request, so that a removed member loses access with the next click, and a session
    that names an organization its user is not in simply has no effect.
    """
    memberships = Membership.objects.filter(user_id=user_id).select_related("org").order_by("joined_at", "id")
    everything = list(memberships)
    return next((m for m in everything if str(m.org_id) == chosen_org_id), everything[0] if everything else None)


def membership_of_session(session_key: str) -> Membership | None:
    """Under which membership this browser session acts right now, read anew from where sessions are kept.

    A socket outlives the request that opened it, so it asks again before it shows anything: after a logout, a changed
    password or a removed membership there is no answer.
    """
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    if not isinstance(user, User):
        return None
    return find_membership(user_id=user.pk, chosen_org_id=request.session.get(CHOSEN_ORG))


def may_manage_keys(membership: Membership) -> bool:
    """Whether this member may create and revoke the organization's keys."""
    return membership.role in KEY_MANAGERS


def may_manage_organization(membership: Membership) -> bool:
    """Whether this member may change the organization itself."""
    return membership.role in ORGANIZATION_MANAGERS
