"""Who may do what: users, organizations, members, API keys, policies, and the outbox."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from governance.domain import Role, Scope
from governance.scoping import TenantQuerySet


class UserAccounts(BaseUserManager["User"]):
    """Creates users by email address; there is no username."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in, known by email address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserAccounts] = UserAccounts()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class Organization(models.Model):
    """A tenant: the hard partition of every key, row and cache entry."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    plan = models.CharField(max_length=20, default="trial")
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="organizations")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's place in an organization."""

    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices(), default=Role.DEVELOPER)
    joined_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "user"], name="one_membership_per_user_and_org")]


class Policy(models.Model):
    """What an organization allows and how much it may spend. A limit that is null does not apply. Money in nano-USD."""

    org = models.OneToOneField(Organization, on_delete=models.CASCADE, primary_key=True, related_name="policy")
    version = models.PositiveIntegerField(default=1)
    allowed_models = ArrayField(models.CharField(max_length=100), default=list, blank=True, help_text="Empty: all")
    denied_models = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    baseline_model = models.CharField(max_length=100, blank=True, help_text="Empty: the deployment's default")
    quality_bar = models.DecimalField(max_digits=4, decimal_places=3, null=True, blank=True)
    request_cost_cap_nano = models.BigIntegerField(null=True, blank=True)
    daily_budget_nano = models.BigIntegerField(null=True, blank=True)
    monthly_budget_nano = models.BigIntegerField(null=True, blank=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    max_concurrency = models.PositiveIntegerField(null=True, blank=True)
    cache_enabled = models.BooleanField(default=True)
    cache_ttl_seconds = models.PositiveIntegerField(null=True, blank=True)
    cache_epoch = models.PositiveIntegerField(default=0, help_text="Raised to forget every cached answer at once")
    semantic_cache_enabled = models.BooleanField(default=True)
    semantic_error_target = models.DecimalField(
        max_digits=5,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.0001")), MaxValueValidator(Decimal("0.2"))],
        help_text="The share of requests that T2 may answer wrongly; empty: 0.01",
    )
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"


class ApiKey(models.Model):
    """A key an application authenticates with. Only its prefix and HMAC are stored; the secret is shown once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=20, help_text="What may be shown: the first characters")
    digest = models.BinaryField(max_length=32, unique=True, help_text="HMAC-SHA256 of the whole key")
    digested_with = models.CharField(
        max_length=32, blank=True, db_default="", help_text="The id of the encryption key behind it"
    )
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices()), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["org", "-created_at"], name="apikey_org_created")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class ProviderKey(models.Model):
    """An organization's own key for a provider, sealed. What may be shown of it is its last characters."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="provider_keys")
    provider = models.CharField(max_length=100)
    secret = models.BinaryField(help_text="Sealed for this row: see governance.encryption")
    hint = models.CharField(max_length=4, blank=True)
    base_url = models.CharField(max_length=300, blank=True, help_text="Empty: the provider's own address")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "provider"],
                condition=models.Q(disabled_at__isnull=True),
                name="one_provider_key_in_use",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} (…{self.hint})"


class OutboxMessage(models.Model):
    """Work that must happen once its transaction commits. The broker only wakes who drains it."""

    topic = models.CharField(max_length=60)
    payload = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=120, unique=True, null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(done_at__isnull=True), name="outbox_due"),
        ]
