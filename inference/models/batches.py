"""Batches: many calls in one file, answered within a day.

What must happen is in these rows; a worker that dies at any point leaves them so that another can go on.
"""

from __future__ import annotations

import uuid

import uuid_utils
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from governance.models import Organization
from governance.scoping import TenantQuerySet
from inference.models.files import StoredFile


def new_batch_id(prefix: str = "batch") -> str:
    """Ids of later batches of one API sort after those of earlier ones."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def new_marker() -> str:
    return f"asahi-{uuid.uuid4().hex}"


class Batch(models.Model):
    """One batch. `wire` says whose API made it, and so the shape of its answers and results.

    `steering` are the caller's `x-asahi-*` headers, which hold for every line. A worker that advances the batch holds
    its `claim` until `claimed_until`; without one, it is somebody's turn from `due_at` on.
    """

    class Api(models.TextChoices):
        OPENAI = "openai"
        ANTHROPIC = "anthropic"

    class Status(models.TextChoices):
        VALIDATING = "validating"
        FAILED = "failed"
        IN_PROGRESS = "in_progress"
        FINALIZING = "finalizing"
        COMPLETED = "completed"
        EXPIRED = "expired"
        CANCELLING = "cancelling"
        CANCELLED = "cancelled"

    id = models.CharField(primary_key=True, max_length=50, default=new_batch_id, editable=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    key_id = models.UUIDField()
    api = models.CharField(max_length=10, choices=Api.choices, default=Api.OPENAI)
    endpoint = models.CharField(max_length=40)
    completion_window = models.CharField(max_length=10, default="24h")
    steering = models.JSONField(default=dict)
    tags = ArrayField(models.CharField(max_length=100), default=list)
    metadata = models.JSONField(null=True)
    output_expires_after = models.PositiveIntegerField(null=True, help_text="Seconds, from when a result file is made")

    status = models.CharField(max_length=12, choices=Status.choices, default=Status.VALIDATING)
    errors = models.JSONField(default=list)
    model = models.CharField(max_length=200, blank=True, help_text="The model that all lines name, if they name one")
    total = models.PositiveIntegerField(default=0)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    cached_input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)

    input_file = models.ForeignKey(StoredFile, on_delete=models.SET_NULL, null=True, related_name="batches")
    input_file_name = models.CharField(max_length=50, help_text="Its id, which outlives it")
    output_file_name = models.CharField(max_length=50, blank=True)
    error_file_name = models.CharField(max_length=50, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    in_progress_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    finalizing_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    expired_at = models.DateTimeField(null=True)
    cancelling_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    due_at = models.DateTimeField(default=timezone.now, null=True, help_text="Empty when nothing is left to do")
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    setbacks = models.PositiveSmallIntegerField(default=0, help_text="How often in a row advancing it has failed")
    last_error = models.CharField(max_length=300, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        indexes = [
            models.Index(fields=["org", "-id"], name="batch_org"),
            models.Index(fields=["due_at"], name="batch_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.id


class ProviderBatch(models.Model):
    """Lines of one batch that are handed to one provider as a batch of its own.

    The row is written before the provider is asked, and `marker` is told to it: after a crash it is found by that.
    """

    class State(models.TextChoices):
        INTENDED = "intended"
        SUBMITTED = "submitted"
        ENDED = "ended"
        ABANDONED = "abandoned"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="provider_batches")
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    provider = models.CharField(max_length=60)
    model = models.CharField(max_length=200)
    wire = models.CharField(max_length=20, help_text="What is spoken with the provider")
    marker = models.CharField(max_length=50, unique=True, default=new_marker)
    upstream_id = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.INTENDED)
    lines = models.PositiveIntegerField()
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often handing it over was tried")
    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True)
    cancel_asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "provider batches"


class BatchItem(models.Model):
    """One line. `offset` and `length` are its place in the input file.

    `request_id` is given to it durably before anything may be paid for it, and stays the same however often it is
    tried: so the ledger charges it once. `plan` is what was decided then, and is enough to bill the answer later.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        SUBMITTED = "submitted"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items", db_index=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    line = models.PositiveIntegerField()
    custom_id = models.CharField(max_length=512)
    offset = models.BigIntegerField()
    length = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    request_id = models.UUIDField(null=True)
    live_only = models.BooleanField(default=False, help_text="A provider's batch came to nothing for it")
    provider_batch = models.ForeignKey(ProviderBatch, on_delete=models.SET_NULL, null=True, related_name="items")
    plan = models.JSONField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the answer, as a live call would have had it")
    held_nano = models.BigIntegerField(default=0, help_text="What is reserved for it while a provider has it")

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "line"], name="one_item_per_line"),
            models.UniqueConstraint(fields=["batch", "custom_id"], name="one_item_per_custom_id"),
        ]
        indexes = [models.Index(fields=["batch", "state", "line"], name="batchitem_next")]


class BatchResult(models.Model):
    """The body of one line's answer, packed, until it is in a result file."""

    item = models.OneToOneField(BatchItem, on_delete=models.CASCADE, primary_key=True, related_name="result")
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    content = models.BinaryField()

    objects = TenantQuerySet.as_manager()
