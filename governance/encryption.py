"""Secrets at rest: AES-256-GCM under a ring of keys, each ciphertext bound to its organization and its place.

What is sealed for one organization, or for one field, opens nowhere else: both are authenticated beside the ciphertext,
so that a row copied over another's, or edited beside its secret, is refused instead of used.

    ASAHI_ENCRYPTION_KEY=<64 hex>                     one key
    ASAHI_ENCRYPTION_KEY=<id>:<64 hex>,<64 hex>       the first seals; all of them open

A sealed secret is `version, length of the key's id, the key's id, nonce, ciphertext and tag`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_VERSION = 1
_NONCE_BYTES = 12
_ENTRY = re.compile(r"(?:(?P<id>[A-Za-z0-9._-]{1,32}):)?(?P<key>[0-9a-fA-F]{64})")


class KeyringError(ValueError):
    """ASAHI_ENCRYPTION_KEY is not what it must be. Never says what stands in it."""


class SecretUnreadable(Exception):  # noqa: N818 - it is the secret that cannot be read
    """A sealed secret that does not open here: another key, another organization or field, or an edited row."""


@dataclass(frozen=True, slots=True, repr=False)
class RingKey:
    """One key of the ring, known by an id that may be seen."""

    id: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys in their order. The first is the current one."""

    keys: tuple[RingKey, ...] = field(repr=False)
    _ciphers: Mapping[bytes, AESGCM] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """Raises KeyringError."""
        keys = tuple(_parse_entry(entry.strip()) for entry in text.split(","))
        if len({key.id for key in keys}) < len(keys):
            raise KeyringError("ASAHI_ENCRYPTION_KEY has two keys of the same id")
        return cls(keys, {key.id.encode(): AESGCM(key.secret) for key in keys})

    @property
    def current(self) -> RingKey:
        return self.keys[0]

    def seal(self, plaintext: str, *, org_id: UUID | str, place: str) -> bytes:
        """Encrypt with the current key. `place` names the field, and the row if a row could be swapped."""
        return self.seal_bytes(plaintext.encode(), org_id=org_id, place=place)

    def open(self, sealed: bytes, *, org_id: UUID | str, place: str) -> str:
        """Raises SecretUnreadable."""
        return self.open_bytes(sealed, org_id=org_id, place=place).decode()

    def seal_bytes(self, plaintext: bytes, *, org_id: UUID | str, place: str) -> bytes:
        """The same for what is not text."""
        key_id, nonce = self.current.id.encode(), secrets.token_bytes(_NONCE_BYTES)
        head = bytes((_VERSION, len(key_id))) + key_id
        ciphertext = self._ciphers[key_id].encrypt(nonce, plaintext, _bound_to(head, org_id, place))
        return head + nonce + ciphertext

    def open_bytes(self, sealed: bytes, *, org_id: UUID | str, place: str) -> bytes:
        """Raises SecretUnreadable."""
        key_id = _key_id_of(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretUnreadable("it was sealed with a key that is not in ASAHI_ENCRYPTION_KEY")
        head, rest = sealed[: 2 + len(key_id)], sealed[2 + len(key_id) :]
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound_to(head, org_id, place))
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable("it was not sealed for this place, or has been changed") from error

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key that seals now."""
        return _key_id_of(sealed) == self.current.id.encode()


@lru_cache(maxsize=8)
def _parsed(text: str) -> Keyring:
    return Keyring.parse(text)


def keyring() -> Keyring:
    """This deployment's."""
    return _parsed(settings.ENCRYPTION_KEY)


def _parse_entry(entry: str) -> RingKey:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise KeyringError(
            "ASAHI_ENCRYPTION_KEY must be 64 hexadecimal characters (32 bytes), or several such keys separated by "
            "commas, each with an id before it as in `2026-11:<64 hex>`"
        )
    secret = bytes.fromhex(match["key"])
    return RingKey(match["id"] or _id_of(secret), secret)


def _id_of(secret: bytes) -> str:
    """A key without an id is known by its fingerprint, so that it keeps its id wherever it stands in the ring."""
    return hashlib.sha256(b"asahi encryption key id" + secret).hexdigest()[:8]


def _key_id_of(sealed: bytes) -> bytes:
    if len(sealed) < 2 or sealed[0] != _VERSION or len(sealed) < 2 + sealed[1] + _NONCE_BYTES:
        raise SecretUnreadable("it is not a sealed secret")
    return bytes(sealed[2 : 2 + sealed[1]])


def _bound_to(head: bytes, org_id: UUID | str, place: str) -> bytes:
    """Each part with its length before it: no two pairs of organization and place read the same."""
    org, where = str(org_id).encode(), place.encode()
    return b"".join(  # written out: every hit passes here
        (len(head).to_bytes(4, "big"), head, len(org).to_bytes(4, "big"), org, len(where).to_bytes(4, "big"), where)
    )
