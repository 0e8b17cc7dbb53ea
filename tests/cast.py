"""The small fixed cast of the tests: two organizations that must never see each other."""

from __future__ import annotations

from dataclasses import dataclass

from governance.domain import Scope
from governance.keys import IssuedKey, issue_key
from governance.models import Organization, User
from governance.workspaces import create_organization

PASSWORD = "a long enough password"


@dataclass(frozen=True)
class Tenant:
    """An organization, its owner, and a key that may do everything in it."""

    org: Organization
    owner: User
    key: IssuedKey

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key.secret}"}


def found(org_name: str, owner_email: str) -> Tenant:
    owner = User.objects.create_user(owner_email, PASSWORD)
    org = create_organization(name=org_name, owner=owner)
    return Tenant(org, owner, issue_key(org_id=org.pk, name="tests", scopes=[Scope.ALL], created_by=owner))
