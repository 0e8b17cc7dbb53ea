"""Governance's vocabulary, without a framework: roles, scopes, principals, and what a policy says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Scope(StrEnum):
    """What a key may be used for. `all` (also written `*`) stands for every scope."""

    INFER = "infer"
    ANALYTICS = "analytics"
    ADMIN = "admin"
    ALL = "all"

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(scope.value, scope.value) for scope in cls]


_SCOPE_OF = {**{scope.value: scope for scope in Scope}, "*": Scope.ALL}


def scopes_of(words: Iterable[str]) -> frozenset[Scope]:
    """The scopes that a key's stored words stand for. A word that means nothing here gives no right to anything."""
    return frozenset(_SCOPE_OF[word] for word in words if word in _SCOPE_OF)


class Role(StrEnum):
    """A member's place in an organization, the most powerful first."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    FINANCE = "finance"
    VIEWER = "viewer"

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(role.value, role.value) for role in cls]


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """What an organization allows, as the hot path carries it. `None` means no limit; money is nano-USD."""

    version: int
    allowed_models: frozenset[str]
    denied_models: frozenset[str]
    baseline_model: str
    quality_bar: float | None
    request_cost_cap_nano: int | None
    daily_budget_nano: int | None
    monthly_budget_nano: int | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    max_concurrency: int | None
    cache_enabled: bool
    cache_ttl_seconds: int | None
    cache_epoch: int
    semantic_cache_enabled: bool
    semantic_error_target: float | None

    def allows(self, model: str) -> bool:
        """Whether this policy lets a registered model be used."""
        return model not in self.denied_models and (not self.allowed_models or model in self.allowed_models)

    @property
    def has_budget(self) -> bool:
        return self.daily_budget_nano is not None or self.monthly_budget_nano is not None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ProviderAccount:
    """An organization's own account with a provider. What is made of it may be kept beside it, for as long as it lives.

    `secret` is empty when it cannot be read: then the provider is called with no key at all rather than with another.
    `base_url` is empty for the provider's own address.
    """

    id: str
    provider: str
    hint: str
    base_url: str
    secret: str = field(repr=False)


Accounts = Mapping[str, ProviderAccount]
"""An organization's own accounts, by provider."""

NO_ACCOUNTS: Accounts = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, on the hot path. `expires_at` is seconds since the epoch, `None` for a key that never expires."""

    org_id: str
    key_id: str
    scopes: frozenset[Scope]
    policy: PolicySnapshot
    expires_at: float | None
    accounts: Accounts = field(default_factory=lambda: NO_ACCOUNTS)

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ALL in self.scopes
