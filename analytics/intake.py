"""Reads an event from its bytes, or says why it cannot be recorded.

A client chooses its tags, its end user and the model it names; none of them may stand between a request and its bill.
So what Postgres could not store in them is replaced or cut here, and only what makes no sense at all is turned away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from analytics import ids
from analytics.domain import CallStarted, Event, UsageEvent

_UUID = re.compile(r"[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}", re.IGNORECASE)
_decoder = msgspec.json.Decoder(Event)

MAX_END_USER = 200
MAX_TAG = 100
MAX_MODEL = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One event where it lies: `id` is its place in the stream or the spool."""

    id: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes that cannot become a ledger row, and why."""

    reason: str


def read_event(payload: bytes) -> Event | Unreadable:
    """The event, fit for the ledger's columns."""
    try:
        event = _decoder.decode(payload)
        _require_ids(event)
    except (msgspec.DecodeError, ValueError) as error:
        return Unreadable(str(error)[:300])
    return _fit(event)


def _require_ids(event: Event) -> None:
    """Raises ValueError naming the id that is none."""
    ids.to_uuid(event.request_id)
    _require_uuid("org_id", event.org_id)
    if event.key_id:
        _require_uuid("key_id", event.key_id)
    if isinstance(event, CallStarted):
        _require_uuid("process_id", event.process_id)


def _require_uuid(name: str, value: str) -> None:
    if _UUID.fullmatch(value) is None:
        raise ValueError(f"{name} is not a UUID: {value[:60]!r}")


def _fit(event: Event) -> Event:
    tags = tuple(dict.fromkeys(_storable(tag)[:MAX_TAG] for tag in event.tags if tag))
    changes: dict[str, Any] = {
        "tags": tags,
        "end_user": _storable(event.end_user)[:MAX_END_USER],
        "requested_model": _storable(event.requested_model)[:MAX_MODEL],
        "routing_reason": _storable(event.routing_reason),
    }
    if isinstance(event, UsageEvent):
        changes["receipt"] = _storable_json(event.receipt)
    return msgspec.structs.replace(event, **changes)


def _storable(text: str) -> str:
    """Postgres has no text with a NUL in it."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _storable_json(value: Any) -> Any:
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, dict):
        return {_storable(key): _storable_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable_json(inner) for inner in value]
    return value
