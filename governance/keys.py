"""API keys: how one is made, recognised, stored and revoked.

A key is `asahi_live_`, 36 random characters, and 6 characters of checksum over both, so that a secret scanner (or our
own gateway, before it asks a database) can tell a key from a string that merely looks like one. Only a keyed digest
is stored: whoever reads the table can neither use a key nor test a guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance.domain import Scope
from governance.encryption import Keyring, keyring
from governance.models import ApiKey, User
from governance.notices import publish

REVOKED_CHANNEL = "asahi:revoked"
"""Where the id of a revoked key is announced, so that every gateway process forgets it within a second."""

KEY_PREFIX = "asahi_live_"
SHOWN_CHARACTERS = 16

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS = 36
_CHECKSUM_CHARACTERS = 6
_KEY_LENGTH = len(KEY_PREFIX) + _RANDOM_CHARACTERS + _CHECKSUM_CHARACTERS
_ALLOWED = frozenset(_ALPHABET)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key. Its secret exists here and in the caller's answer, and nowhere else afterwards."""

    id: UUID
    secret: str

    def __repr__(self) -> str:
        return f"IssuedKey(id={self.id!r})"


def issue_key(
    *,
    org_id: UUID | str,
    name: str,
    scopes: Iterable[Scope],
    created_by: User | None = None,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Create a key for an organization. Its secret can never be shown again."""
    secret = _new_secret()
    key = ApiKey.objects.create(
        org_id=org_id,
        name=name,
        scopes=[scope.value for scope in scopes],
        created_by=created_by,
        expires_at=expires_at,
        prefix=secret[:SHOWN_CHARACTERS],
        digest=digest_of(secret),
        digested_with=keyring().current.id,
    )
    return IssuedKey(id=key.pk, secret=secret)


def revoke_key(*, org_id: UUID | str, key_id: UUID | str) -> bool:
    """Refuse a key from now on; every gateway process hears of it once this is committed.

    False when the organization has no such key, or it was revoked before.
    """
    with transaction.atomic():
        unrevoked = ApiKey.objects.for_org(org_id).filter(pk=key_id, revoked_at=None)
        revoked = unrevoked.update(revoked_at=timezone.now()) == 1
        if revoked:
            transaction.on_commit(lambda: publish(REVOKED_CHANNEL, str(key_id)))
    return revoked


def count_old_digests() -> int:
    """How many keys that may still be used are known by an encryption key that is not the current one."""
    return ApiKey.objects.filter(revoked_at=None).exclude(digested_with=keyring().current.id).count()


def looks_like_key(secret: str) -> bool:
    """Whether the form and the checksum are right. Costs no look-up, and says nothing about whether the key exists."""
    if len(secret) != _KEY_LENGTH or not secret.startswith(KEY_PREFIX):
        return False
    body, checksum = secret[:-_CHECKSUM_CHARACTERS], secret[-_CHECKSUM_CHARACTERS:]
    return _ALLOWED.issuperset(body[len(KEY_PREFIX) :]) and checksum == _checksum(body)


def digest_of(secret: str) -> bytes:
    """What a key is stored and looked up by: HMAC-SHA256 under a pepper that is not in the database."""
    return _digest(_peppers(settings.ENCRYPTION_KEY)[0], secret)


def digests_of(secret: str) -> list[bytes]:
    """What a key may be stored by: the digest of today first, then those of the keys that were current before."""
    return [_digest(pepper, secret) for pepper in _peppers(settings.ENCRYPTION_KEY)]


def _digest(pepper: hmac.HMAC, secret: str) -> bytes:
    mac = pepper.copy()
    mac.update(secret.encode(errors="surrogatepass"))
    return mac.digest()


def _new_secret() -> str:
    body = KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return body + _checksum(body)


def _checksum(body: str) -> str:
    """CRC-32 in base 62, left-padded: 62**6 is more than 2**32."""
    rest = zlib.crc32(body.encode())
    characters = ""
    for _ in range(_CHECKSUM_CHARACTERS):
        rest, digit = divmod(rest, len(_ALPHABET))
        characters = _ALPHABET[digit] + characters
    return characters


@lru_cache(maxsize=4)
def _peppers(ring: str) -> tuple[hmac.HMAC, ...]:
    """A MAC for each key of the ring that has taken its key, to be copied for every digest."""
    return tuple(hmac.new(_pepper_from(key.secret), digestmod="sha256") for key in Keyring.parse(ring).keys)


def _pepper_from(encryption_key: bytes) -> bytes:
    """Derived, so that the key that encrypts answers is never itself used for anything else."""
    derivation = HKDF(algorithm=SHA256(), length=hashlib.sha256().digest_size, salt=None, info=b"asahi api key digest")
    return derivation.derive(encryption_key)
