"""The usage ledger (append-only, monthly partitions), its rollups, and the calls in flight. Money is nano-USD."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from governance.models import Organization
from governance.scoping import TenantQuerySet


class LedgerEntry(models.Model):
    """A row of the ledger. A request has one `final` row; or an `estimate`, and a `correction` once the truth is known.

    The table is partitioned by month of `started_at`, which is the time inside `request_id` (a UUIDv7), so that an
    index unique by both is unique by request. Such an index allows a request one charge (final or estimate, never
    both) and one correction, whichever processes race to write them.
    """

    class Kind(models.TextChoices):
        FINAL = "final"
        ESTIMATE = "estimate"
        CORRECTION = "correction"

    id = models.BigAutoField(primary_key=True)
    request_id = models.UUIDField()
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.FINAL)
    started_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    org = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    key_id = models.UUIDField(null=True)
    end_user = models.CharField(max_length=200, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list)
    wire = models.CharField(max_length=20)
    routing_mode = models.CharField(max_length=12)
    routing_reason = models.TextField(blank=True)
    requested_model = models.CharField(max_length=200, blank=True)
    baseline_model = models.CharField(max_length=200, blank=True)
    model = models.CharField(max_length=200)
    provider = models.CharField(max_length=60)
    tier = models.PositiveSmallIntegerField(default=0)
    outcome = models.CharField(max_length=20)
    status = models.PositiveSmallIntegerField(default=200)
    input_tokens = models.BigIntegerField(default=0)
    cached_input_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    usage_estimated = models.BooleanField(default=False)
    cost_nano = models.BigIntegerField()
    original_cost_nano = models.BigIntegerField()
    own_spend_nano = models.BigIntegerField(default=0)
    price_version = models.CharField(max_length=60)
    latency_ms = models.IntegerField(default=0)
    first_byte_ms = models.IntegerField(default=0)
    quality = models.FloatField(null=True)
    task = models.CharField(max_length=60, blank=True)
    techniques = ArrayField(models.CharField(max_length=60), default=list)
    tokens_saved = models.BigIntegerField(default=0)
    receipt = models.JSONField(default=dict)

    objects = TenantQuerySet.as_manager()

    class Meta:
        managed = False  # created partitioned, by SQL, in the first migration
        db_table = "analytics_ledgerentry"
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"{self.kind} of {self.request_id}"


class StartedCall(models.Model):
    """A provider call that has begun and whose usage is not known yet. Kept only while it is open."""

    request_id = models.UUIDField(primary_key=True)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    process_id = models.UUIDField()
    started_at = models.DateTimeField()
    estimate_nano = models.BigIntegerField()
    event = models.JSONField(help_text="The CallStarted event, whole")

    objects = TenantQuerySet.as_manager()


class GatewayProcess(models.Model):
    """A web process's heartbeat: started calls of a process that fell silent are billed at their estimate."""

    id = models.UUIDField(primary_key=True)
    heartbeat_at = models.DateTimeField()


class SpooledEvent(models.Model):
    """An event written straight to Postgres because the stream could not take it; drained like the stream."""

    event = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)


class UsageRollup(models.Model):
    """Sums of ledger rows by hour or day and by every dimension a page groups or filters by.

    `tag` is empty in the rows that count every request once; a request with tags is counted again under each of them.
    """

    grain = models.CharField(max_length=1, choices=[("h", "hour"), ("d", "day")])
    bucket_at = models.DateTimeField()
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    model = models.CharField(max_length=200)
    key_id = models.UUIDField()
    tag = models.CharField(max_length=100, blank=True)
    tier = models.PositiveSmallIntegerField()
    provider = models.CharField(max_length=60, blank=True)
    task = models.CharField(max_length=60, blank=True)
    routing_mode = models.CharField(max_length=12, blank=True)
    requests = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    cached_input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    tokens_saved = models.BigIntegerField(default=0)
    cost_nano = models.BigIntegerField(default=0)
    original_cost_nano = models.BigIntegerField(default=0)
    own_spend_nano = models.BigIntegerField(default=0)
    latency_ms_sum = models.BigIntegerField(default=0)
    quality_sum = models.FloatField(default=0)
    quality_count = models.BigIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "org",
                    "grain",
                    "bucket_at",
                    "model",
                    "key_id",
                    "tag",
                    "tier",
                    "provider",
                    "task",
                    "routing_mode",
                ],
                name="one_rollup_per_bucket",
            )
        ]
