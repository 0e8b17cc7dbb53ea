"""Responses that callers asked to be kept, and those that are still being made in the background."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from governance.models import Organization
from governance.scoping import TenantQuerySet


class StoredResponse(models.Model):
    """One response of `/v1/responses`. Written and read by `inference.responses.store`.

    `sealed` holds what the caller sent and what was answered, `job` what it takes to make a response that is still
    queued: both encrypted. A turn is kept once: the conversation it continues is reached through `previous_id`.
    A worker that makes a response holds its `claim` until `claimed_until`. `end_user` is a digest of whom the request
    named, so that their responses can be found and erased.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        IN_PROGRESS = "in_progress"
        COMPLETED = "completed"
        INCOMPLETE = "incomplete"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.CharField(primary_key=True, max_length=80, editable=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    previous_id = models.CharField(max_length=80, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices)
    background = models.BooleanField(default=False)
    item_ids = ArrayField(models.CharField(max_length=120), default=list, help_text="Of what was answered")
    sealed = models.BinaryField()
    size = models.PositiveIntegerField(help_text="Bytes of what is sealed, before it was compressed")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    end_user = models.BinaryField(default=b"", db_default=b"")

    job = models.BinaryField(null=True)
    key_id = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="response_expiry"),
            models.Index(fields=["previous_id"], name="response_follower", condition=~Q(previous_id="")),
            models.Index(fields=["created_at"], name="response_unfinished", condition=Q(job__isnull=False)),
            GinIndex(fields=["item_ids"], name="response_items"),
        ]

    def __str__(self) -> str:
        return self.id
