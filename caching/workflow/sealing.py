"""Texts of T3 as bytes: compressed, and sealed for their organization and their place when a key is set."""

from __future__ import annotations

import zlib

from governance.encryption import Keyring, SecretUnreadable

SEALED, _IN_THE_CLEAR = b"\1", b"\0"

_FASTEST = 1
_LARGEST = 256 * 2**20


class TextSeal:
    """How one deployment keeps texts. Without a keyring they are kept in the clear."""

    def __init__(self, keyring: Keyring | None) -> None:
        self._keyring = keyring

    def seal(self, text: str, org_id: str, place: str) -> bytes:
        packed = zlib.compress(text.encode("utf-8", "surrogatepass"), _FASTEST)
        if self._keyring is None:
            return _IN_THE_CLEAR + packed
        return SEALED + self._keyring.seal_bytes(packed, org_id=org_id, place=place)

    def open(self, kept: bytes, org_id: str, place: str) -> str | None:
        """None for what cannot be read here: a key has gone, or one is set and this was not sealed."""
        packed = kept[1:]
        if (kept[:1] == SEALED) is (self._keyring is None):
            return None
        try:
            if self._keyring is not None:
                packed = self._keyring.open_bytes(packed, org_id=org_id, place=place)
            inflater = zlib.decompressobj()
            text = inflater.decompress(packed, _LARGEST)
            return text.decode("utf-8", "surrogatepass") if inflater.eof else None
        except (SecretUnreadable, zlib.error, UnicodeDecodeError):
            return None
