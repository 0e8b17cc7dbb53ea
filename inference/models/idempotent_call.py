"""Requests that came with an `Idempotency-Key`, and what they were answered."""

from __future__ import annotations

from uuid import uuid4

from django.db import models

from governance.models import Organization
from governance.scoping import TenantQuerySet


class IdempotentCall(models.Model):
    """One key of one organization. Written by `inference.idempotency`; neither the key nor the request is kept."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    key_digest = models.BinaryField(max_length=32)
    fingerprint = models.BinaryField(max_length=64)
    lease_until = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.BinaryField(null=True)
    body = models.BinaryField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "key_digest"], name="one_idempotent_call_per_key")]

    def __str__(self) -> str:
        return f"idempotent call {self.id}"
