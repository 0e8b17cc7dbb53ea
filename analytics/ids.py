"""Request ids: a UUIDv7 written `req_` and 32 hexadecimal digits. The time inside it is when the request started."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

import uuid_utils

PREFIX = "req_"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_request_id() -> str:
    """A fresh id; ids of one process sort in the order they were made."""
    return PREFIX + uuid_utils.uuid7().hex


@lru_cache(maxsize=4096)  # an event's id is read several times on its way into the ledger
def to_uuid(request_id: str) -> UUID:
    """The UUID inside a request id. Raises ValueError for anything that `new_request_id` could not have made."""
    digits = request_id.removeprefix(PREFIX)
    if digits == request_id:
        raise ValueError(f"a request id starts with {PREFIX}: {request_id[:60]!r}")
    try:
        request_uuid = UUID(hex=digits)
    except ValueError:
        request_uuid = None
    if request_uuid is None or request_uuid.version != 7 or request_uuid.hex != digits:
        raise ValueError(f"a request id is a UUIDv7 in 32 lower-case digits: {request_id[:60]!r}")
    return request_uuid


def from_uuid(request_uuid: UUID) -> str:
    """How the API writes a request's UUID."""
    return PREFIX + request_uuid.hex


def started_at(request_id: str) -> datetime:
    """When the request started, to the millisecond, in UTC. Integer arithmetic: the ledger is unique by it."""
    return _EPOCH + timedelta(milliseconds=to_uuid(request_id).int >> 80)


def started_seconds(request_id: str) -> float:
    """The same in seconds since the epoch, for an id of our own making: it is not checked again."""
    return int(request_id[len(PREFIX) : len(PREFIX) + 12], 16) / 1000
