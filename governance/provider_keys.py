"""An organization's own keys for providers: kept sealed, handed to the gateway, and never shown again.

A sealed key is bound to its row, its provider and its address, so that whoever can write to the table, but has not the
encryption key, cannot send it elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance.addresses import AddressGuard
from governance.domain import NO_ACCOUNTS, Accounts, ProviderAccount
from governance.encryption import SecretUnreadable, keyring
from governance.models import ProviderKey, User
from governance.notices import publish
from governance.rewrapping import Rewrapped, rewraps

log = logging.getLogger(__name__)

ACCOUNTS_CHANNEL = "asahi:accounts"
"""Where the id of an organization whose provider keys changed is announced."""

_SHORTEST_HINTED = 12
"""Of a shorter key, four characters would say too much."""
_LONGEST = 4096

ACCOUNTS_OF_ORG = """(
    SELECT jsonb_agg(jsonb_build_array(a.id, a.provider, a.hint, a.base_url, encode(a.secret, 'hex')))
    FROM governance_providerkey a WHERE a.org_id = k.org_id AND a.disabled_at IS NULL
)"""
"""The accounts of `k`'s organization, as `accounts_from` reads them; null for none."""


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """What governance has to know of a provider. One without an address of its own needs one with each key."""

    name: str
    has_address: bool


@dataclass(frozen=True, slots=True)
class KeyRefused:
    """Why a provider key is not taken; the words are safe to show. `field` names what is wrong."""

    field: str
    reason: str


class _Installed:
    """The providers there are: governance does not look up, so whoever knows them says so."""

    known: Callable[[], Mapping[str, KnownProvider]] = dict


def install_providers(known: Callable[[], Mapping[str, KnownProvider]]) -> None:
    """Say which providers an organization may have a key for. Called once, when the applications are ready."""
    _Installed.known = known


def known_providers() -> Mapping[str, KnownProvider]:
    return _Installed.known()


def add_provider_key(
    *, org_id: UUID | str, provider: str, secret: str, base_url: str = "", created_by: User | None = None
) -> ProviderKey | KeyRefused:
    """Keep a key, in place of the one in use before; every gateway process hears of it once this is committed."""
    secret, base_url = secret.strip(), base_url.strip().rstrip("/")
    refused = _problem(provider, secret, base_url)
    if refused is not None:
        return refused
    org, key_id = UUID(str(org_id)), uuid4()
    sealed = keyring().seal(secret, org_id=org, place=_place(key_id, provider, base_url))
    with transaction.atomic():
        _disable(org, provider=provider)
        key = ProviderKey.objects.create(
            id=key_id,
            org_id=org,
            provider=provider,
            secret=sealed,
            hint=secret[-4:] if len(secret) >= _SHORTEST_HINTED else "",
            base_url=base_url,
            created_by=created_by,
        )
        transaction.on_commit(lambda: publish(ACCOUNTS_CHANNEL, str(org)))
    return key


def disable_provider_key(*, org_id: UUID | str, key_id: UUID | str) -> bool:
    """Use a key no more, and forget it. False when the organization has no such key in use."""
    with transaction.atomic():
        disabled = _disable(org_id, pk=key_id)
        if disabled:
            transaction.on_commit(lambda: publish(ACCOUNTS_CHANNEL, str(org_id)))
    return disabled


def accounts_from(org_id: str, rows: Sequence[Sequence[str]] | None) -> Accounts:
    """The accounts that a query with `ACCOUNTS_OF_ORG` found."""
    if not rows:
        return NO_ACCOUNTS
    return {row[1]: _account(org_id, row) for row in rows}


def accounts_of(org_id: UUID | str) -> Accounts:
    """The same through the ORM, for tasks and commands."""
    found = ProviderKey.objects.for_org(org_id).filter(disabled_at=None)
    return {key.provider: _account(str(org_id), _columns(key)) for key in found}


def _columns(key: ProviderKey) -> tuple[str, str, str, str, str]:
    return str(key.pk), key.provider, key.hint, key.base_url, bytes(key.secret).hex()


def _account(org_id: str, row: Sequence[str]) -> ProviderAccount:
    key_id, provider, hint, base_url, sealed = row
    try:
        secret = keyring().open(bytes.fromhex(sealed), org_id=org_id, place=_place(key_id, provider, base_url))
    except SecretUnreadable as error:
        log.error("provider_key.unreadable", extra={"provider_key": key_id, "provider": provider, "error": str(error)})
        secret = ""
    return ProviderAccount(key_id, provider, hint, base_url, secret)


def _place(key_id: UUID | str, provider: str, base_url: str) -> str:
    return f"provider key {key_id} of {provider} at {base_url}"


def _disable(org_id: UUID | str, **which: Any) -> bool:
    """What is not used any more is not kept either."""
    in_use = ProviderKey.objects.for_org(org_id).filter(disabled_at=None, **which)
    return in_use.update(disabled_at=timezone.now(), secret=b"") > 0


def _problem(provider: str, secret: str, base_url: str) -> KeyRefused | None:
    known = known_providers().get(provider)
    if known is None:
        return KeyRefused("provider", f"there is no provider '{provider[:100]}' here")
    if not secret or len(secret) > _LONGEST or not (secret.isascii() and secret.isprintable()) or " " in secret:
        return KeyRefused("key", "it must be one line of printable characters without spaces")
    if not base_url:
        return None if known.has_address else KeyRefused("base_url", f"{known.name} needs the address of your account")
    problem = guard().problem_with(base_url)
    return KeyRefused("base_url", problem) if problem else None


def guard() -> AddressGuard:
    """What addresses this deployment lets organizations name."""
    return AddressGuard.opening(settings.ASAHI.providers.private_networks)


@rewraps("provider keys")
def _rewrap(batch: int) -> Iterable[Rewrapped]:
    ring, after = keyring(), UUID(int=0)
    while True:
        keys = list(ProviderKey.objects.filter(disabled_at=None, pk__gt=after).order_by("pk")[:batch])  # all tenants'
        if not keys:
            return
        after = keys[-1].pk
        yield Rewrapped.of(_rewrap_one(key) for key in keys if not ring.is_current(bytes(key.secret)))


def _rewrap_one(key: ProviderKey) -> bool:
    """False when it cannot be read. One that was replaced meanwhile is left as it is."""
    before, place = bytes(key.secret), _place(key.pk, key.provider, key.base_url)
    try:
        secret = keyring().open(before, org_id=key.org_id, place=place)
    except SecretUnreadable:
        return False
    sealed = keyring().seal(secret, org_id=key.org_id, place=place)
    ProviderKey.objects.for_org(key.org_id).filter(pk=key.pk, secret=before).update(secret=sealed)
    return True
