"""The organization a fresh installation starts with, so that its first page and its first call work at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.db import transaction

from governance.domain import Scope
from governance.keys import digest_of, issue_key, revoke_key
from governance.models import ApiKey, Organization, User
from governance.workspaces import ensure_workspace

DEMO_EMAIL = "demo@asahi.example"
_KEY_NAME = "Demo key"


@dataclass(frozen=True, slots=True, repr=False)
class DemoAccess:
    """How to sign in to the demo organization, and how to call it."""

    email: str
    password: str
    api_key: str


def ensure_demo(known: DemoAccess | None) -> DemoAccess:
    """Make sure that there is a demo organization, and that this access, or a new one, opens it.

    What is already handed out keeps working: the password is set again if need be, and the key stays as long as it is
    valid. A key's text cannot be recovered, so without `known` a new one takes the place of the old.
    """
    with transaction.atomic():
        password = known.password if known else secrets.token_urlsafe(12)
        user = _ensure_user(password)
        org = ensure_workspace(user, org_name="Demo")
        api_key = known.api_key if known and _is_valid(org, known.api_key) else _replace_key(org, user)
    return DemoAccess(email=user.email, password=password, api_key=api_key)


def _ensure_user(password: str) -> User:
    user = User.objects.filter(email=DEMO_EMAIL).first()
    if user is None:
        user = User.objects.create_user(DEMO_EMAIL, password, full_name="Demo")
    elif not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    EmailAddress.objects.update_or_create(user=user, email=DEMO_EMAIL, defaults={"verified": True, "primary": True})
    return user


def _is_valid(org: Organization, api_key: str) -> bool:
    unrevoked = ApiKey.objects.for_org(org.pk).filter(revoked_at=None, expires_at=None)
    return unrevoked.filter(digest=digest_of(api_key)).exists()


def _replace_key(org: Organization, user: User) -> str:
    for key_id in ApiKey.objects.for_org(org.pk).filter(name=_KEY_NAME, revoked_at=None).values_list("pk", flat=True):
        revoke_key(org_id=org.pk, key_id=key_id)
    return issue_key(org_id=org.pk, name=_KEY_NAME, scopes=[Scope.ALL], created_by=user).secret
