"""Files that organizations keep here: what goes into a batch, and what comes out of it."""

from __future__ import annotations

import uuid_utils
from django.db import models
from django.utils import timezone

from governance.models import Organization
from governance.scoping import TenantQuerySet


def new_file_id() -> str:
    """Ids of later files sort after those of earlier ones."""
    return f"file-{uuid_utils.uuid7().hex}"


class StoredFile(models.Model):
    """A file as the API knows it. What is in it is in its chunks.

    `bytes` is its size as the caller sees it. A hidden file is Asahi's own: no route lists or shows it.
    """

    class Purpose(models.TextChoices):
        ASSISTANTS = "assistants"
        BATCH = "batch"
        BATCH_OUTPUT = "batch_output"
        FINE_TUNE = "fine-tune"
        VISION = "vision"
        USER_DATA = "user_data"
        EVALS = "evals"

    class Status(models.TextChoices):
        UPLOADED = "uploaded"
        PROCESSED = "processed"
        ERROR = "error"

    id = models.CharField(primary_key=True, max_length=50, default=new_file_id, editable=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    key_id = models.UUIDField(null=True, help_text="Who put it here; empty when Asahi did")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    filename = models.CharField(max_length=255)
    bytes = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROCESSED)
    hidden = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["org", "-id"], name="storedfile_org"),
            models.Index(
                fields=["expires_at"], name="storedfile_expiring", condition=models.Q(expires_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.id


class FileChunk(models.Model):
    """A piece of a file. All but the last are of one size before they are packed, so that any place can be found."""

    file = models.ForeignKey(StoredFile, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="one_chunk_per_place")]
