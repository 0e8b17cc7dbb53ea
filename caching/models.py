"""T2's tables: a narrow one of vectors, which is all that a search reads, and the answers apart.

Both are written and searched by `caching.postgres_store`, with SQL of its own; here they are for migrations, purges and
the admin.
"""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from pgvector.django import HalfVectorField

from governance.models import Organization
from governance.scoping import TenantQuerySet


class SemanticAnswer(models.Model):
    """One question with its answer, both sealed when a key is set.

    `name` is shared by answers that were found to say the same. `marks` are digests of the caller's tags and end user,
    for purges; `document` is the digest of the document that the question was about.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.UUIDField()
    question = models.BinaryField()
    entry = models.BinaryField()
    task = models.CharField(max_length=40, default="", blank=True)
    model = models.CharField(max_length=200)
    key_id = models.CharField(max_length=40, default="", blank=True)
    marks = ArrayField(models.BinaryField(), default=list)
    document = models.BinaryField(default=b"")
    stored_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["org", "expires_at"], name="t2_answers_by_org")]

    def __str__(self) -> str:
        return f"T2 answer {self.id}"


class SemanticVector(models.Model):
    """Where one answer's question lies. `scope` digests everything that must be equal to the letter, the organization's
    own part of it included; `dimensions` picks the index."""

    answer = models.OneToOneField(SemanticAnswer, on_delete=models.CASCADE, primary_key=True, related_name="vector")
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    scope = models.BinaryField()
    dimensions = models.SmallIntegerField()
    vector = HalfVectorField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["org", "scope"], name="t2_vectors_by_scope")]

    def __str__(self) -> str:
        return f"T2 vector of {self.answer_id}"


class CalibrationState(models.Model):
    """What T2 learned of one organization's questions of one task: see `caching.calibrations`, which writes it."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    task = models.CharField(max_length=40)
    embedder = models.CharField(max_length=100)
    state = models.BinaryField()
    changed_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "caching_calibration"
        constraints = [models.UniqueConstraint(fields=["org", "task", "embedder"], name="one_calibration_per_task")]

    def __str__(self) -> str:
        return f"T2 calibration of {self.task} for {self.org_id}"
