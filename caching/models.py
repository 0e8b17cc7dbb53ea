"""T2's tables: a narrow one of vectors, which is all that a search reads, and the answers apart.

Both are written and searched by `caching.postgres_store`, with SQL of its own; here they are for migrations, purges and
the admin.
"""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from pgvector.django import HalfVectorField

from caching.workflow.models import WorkflowDocument, WorkflowStep  # noqa: F401 - Django looks for models here
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


class CacheFeedback(models.Model):
    """What an organization said of one answer out of a cache; the last word counts.

    `task`, `embedder` and `certainty` say where it was taught, and are empty where nothing could be learned from it.
    `end_user` is a digest, so that a comment about somebody's request can be erased with them.
    """

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    request_id = models.UUIDField()
    tier = models.PositiveSmallIntegerField()
    wrong = models.BooleanField()
    comment = models.CharField(max_length=500, blank=True)
    entry = models.CharField(max_length=60, blank=True)
    task = models.CharField(max_length=40, blank=True)
    embedder = models.CharField(max_length=100, blank=True)
    certainty = models.FloatField(null=True)
    end_user = models.BinaryField(default=b"")
    given_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "request_id"], name="one_feedback_per_request")]
        indexes = [models.Index(fields=["org", "given_at"], name="cache_feedback_by_time")]

    def __str__(self) -> str:
        return f"{'wrong' if self.wrong else 'right'}: {self.request_id}"
