"""How contents are kept: compressed, then sealed for their organization and their place."""

from __future__ import annotations

import zlib
from uuid import UUID

from governance.encryption import keyring

_LEVEL = 3  # text shrinks to a fifth; more effort hardly helps


def pack(plain: bytes, *, org_id: UUID | str, place: str) -> bytes:
    """`place` names the row: what is packed for one opens in no other."""
    return keyring().seal_bytes(zlib.compress(plain, _LEVEL), org_id=org_id, place=place)


def unpack(packed: bytes | memoryview, *, org_id: UUID | str, place: str) -> bytes:
    """Raises SecretUnreadable."""
    return zlib.decompress(keyring().open_bytes(bytes(packed), org_id=org_id, place=place))
