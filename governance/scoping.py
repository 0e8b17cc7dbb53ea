"""The one door to tenant data: `Model.objects.for_org(org_id)`."""

from __future__ import annotations

from typing import Any, Self, TypeVar
from uuid import UUID

from django.db import models

M_co = TypeVar("M_co", bound=models.Model, covariant=True)


class TenantQuerySet(models.QuerySet[M_co]):
    """A queryset of rows that belong to an organization through their `org` column."""

    def for_org(self, org_id: UUID | str) -> Self:
        """Only the rows of this organization. Every tenant query starts here."""
        return self.filter(**_owned_by(org_id))


def _owned_by(org_id: UUID | str) -> dict[str, Any]:
    return {"org_id": org_id}
