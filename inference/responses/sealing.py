"""What is kept of a response, as bytes: packed, compressed and sealed for its organization and its row."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from typing import Any

import msgspec

from governance.encryption import keyring

Json = dict[str, Any]

_PACKED_AT_ONCE = 128 * 1024
"""Bytes that may be packed on the event loop; more is packed in a thread."""

_UNPACKED_AT_ONCE = 32 * 1024
"""The same for unpacking: compressed, they are fewer."""

_FASTEST = 1
_LONGEST_ID = 120


@dataclass(frozen=True, slots=True)
class Turn:
    """What the caller sent in one request, as items, and the response to it, as the caller sees it."""

    given: list[Json]
    body: Json

    @property
    def items(self) -> list[Json]:
        """What a further request that continues here has before its own input."""
        return [*self.given, *(item for item in self.body.get("output") or () if isinstance(item, dict))]

    @property
    def item_ids(self) -> list[str]:
        """By which a later request may refer to what was answered."""
        ids = (item.get("id") for item in self.body.get("output") or () if isinstance(item, dict))
        return [item_id for item_id in ids if isinstance(item_id, str) and 0 < len(item_id) <= _LONGEST_ID]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Turn).decode


async def seal_turn(turn: Turn, *, org_id: str, response_id: str) -> tuple[bytes, int]:
    """Sealed, and its size before."""
    plain, place = _encode(turn), place_of(response_id)
    if len(plain) > _PACKED_AT_ONCE:
        return await asyncio.to_thread(seal, plain, org_id, place), len(plain)
    return seal(plain, org_id, place), len(plain)


async def open_turn(sealed: bytes, *, org_id: str, response_id: str) -> Turn:
    """Raises SecretUnreadable when its key has gone."""
    if len(sealed) > _UNPACKED_AT_ONCE:
        return await asyncio.to_thread(_open, sealed, org_id, response_id)
    return _open(sealed, org_id, response_id)


def _open(sealed: bytes, org_id: str, response_id: str) -> Turn:
    return _decode(unseal(sealed, org_id, place_of(response_id)))


def place_of(response_id: str) -> str:
    """What a sealed turn is bound to, so that it opens nowhere else."""
    return f"stored response {response_id}"


def place_of_job(response_id: str) -> str:
    return f"job of response {response_id}"


def seal(plain: bytes, org_id: str, place: str) -> bytes:
    return keyring().seal_bytes(zlib.compress(plain, _FASTEST), org_id=org_id, place=place)


def unseal(sealed: bytes, org_id: str, place: str) -> bytes:
    """Raises SecretUnreadable when its key has gone."""
    return zlib.decompress(keyring().open_bytes(bytes(sealed), org_id=org_id, place=place))
