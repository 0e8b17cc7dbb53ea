"""T3's tables: documents that callers refer to by an id of their own, and what was worked out of parts of them.

Written and read by `caching.workflow.documents` and `caching.workflow.steps`, with SQL of their own.
"""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models

from governance.models import Organization
from governance.scoping import TenantQuerySet


class WorkflowDocument(models.Model):
    """The document that is known by a name now, sealed when a key is set. Another text under the same name takes its
    place; `digest` tells versions apart. `marks` are as for T2's answers."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=200)
    digest = models.BinaryField()
    sealed = models.BinaryField()
    size = models.BigIntegerField()
    key_id = models.CharField(max_length=40, default="", blank=True)
    marks = ArrayField(models.BinaryField(), default=list)
    stored_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "caching_workflowdocument"
        constraints = [models.UniqueConstraint(fields=("org", "name"), name="t3_documents_by_name")]
        indexes = [models.Index(fields=["expires_at"], name="t3_documents_by_end")]

    def __str__(self) -> str:
        return f"document {self.id}"


class WorkflowStep(models.Model):
    """The result of one step on one chunk of a document, sealed when a key is set. `key` digests the chunk, the step
    and its version, the model and its parameters."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.BinaryField()
    step = models.CharField(max_length=40)
    model = models.CharField(max_length=200)
    sealed = models.BinaryField()
    key_id = models.CharField(max_length=40, default="", blank=True)
    marks = ArrayField(models.BinaryField(), default=list)
    stored_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "caching_workflowstep"
        constraints = [models.UniqueConstraint(fields=("org", "key"), name="t3_steps_by_key")]
        indexes = [models.Index(fields=["expires_at"], name="t3_steps_by_end")]

    def __str__(self) -> str:
        return f"step {self.id}"
