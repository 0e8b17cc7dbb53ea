"""Writes events into the ledger, in bulk and idempotently. Every function here runs inside its caller's transaction.

The index `ledgerentry_one_charge` decides every race: of two writers of one request's charge, the second's row is not
inserted, is not returned, and so is not rolled up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from analytics import ids
from analytics.domain import CallStarted, Event, UsageEvent
from analytics.rollups import FOLD

Row = dict[str, Any]

_DESCRIBED = (
    "request_id", "started_at", "org_id", "key_id", "end_user", "tags", "wire", "routing_mode", "requested_model",
    "model", "provider", "tier", "task",
)  # fmt: skip
_MEASURED = (
    "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost_nano",
    "original_cost_nano", "own_spend_nano", "latency_ms", "first_byte_ms", "tokens_saved",
)  # fmt: skip
_STATED = (
    "kind", "routing_reason", "baseline_model", "outcome", "status", "usage_estimated", "price_version", "quality",
    "techniques", "receipt",
)  # fmt: skip
_COLUMNS = ", ".join((*_DESCRIBED, *_MEASURED, *_STATED))

_INSERT = f"""
inserted AS (
    INSERT INTO analytics_ledgerentry ({_COLUMNS})
    SELECT {_COLUMNS} FROM incoming ORDER BY request_id
    ON CONFLICT DO NOTHING
    RETURNING *
), folded AS ({FOLD})
SELECT request_id, kind, started_at, org_id, model, tier, outcome, cost_nano, original_cost_nano, own_spend_nano,
       latency_ms, routing_reason
FROM inserted
ORDER BY started_at, request_id
"""  # noqa: S608  # nosec B608 - column names, all from this file

_CHARGE = f"""
WITH incoming AS (SELECT * FROM json_populate_recordset(NULL::analytics_ledgerentry, %s)), {_INSERT}
"""  # noqa: S608  # nosec B608

# A correction belongs where its estimate was counted, so it takes over what describes the estimate; what it states
# (the reason, the outcome, the receipt) is the truth that came late.
_CORRECT = f"""
WITH incoming AS (
    SELECT {", ".join(f"estimate.{column}" for column in _DESCRIBED)},
           {", ".join(f"actual.{column} - estimate.{column} AS {column}" for column in _MEASURED)},
           {", ".join(f"actual.{column}" for column in _STATED)}
    FROM json_populate_recordset(NULL::analytics_ledgerentry, %s) AS actual
    JOIN analytics_ledgerentry AS estimate USING (request_id, started_at, org_id)
    WHERE estimate.kind = 'estimate'
), {_INSERT}
"""  # noqa: S608  # nosec B608

_START = """
INSERT INTO analytics_startedcall (request_id, org_id, process_id, started_at, estimate_nano, event)
SELECT request_id, org_id, process_id, started_at, estimate_nano, event
FROM json_to_recordset(%s) AS call (
    request_id uuid, org_id uuid, process_id uuid, started_at timestamptz, estimate_nano bigint, event jsonb
)
WHERE NOT EXISTS (
    SELECT 1 FROM analytics_ledgerentry AS charged
    WHERE charged.request_id = call.request_id AND charged.started_at = call.started_at
)
ORDER BY request_id
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Written:
    """A row that entered the ledger just now. Of a correction the amounts are deltas. Money is nano-USD."""

    request_id: UUID
    kind: str
    started_at: datetime
    org_id: UUID
    model: str
    tier: int
    outcome: str
    cost_nano: int
    original_cost_nano: int
    own_spend_nano: int
    latency_ms: int
    routing_reason: str


def record(events: Sequence[Event]) -> list[Written]:
    """Everything these events add to the ledger. Events already recorded add nothing.

    Open calls first, then the ledger, then rollups: whoever writes takes its locks in this order, the sweeper too.
    """
    first: dict[str, UsageEvent] = {}
    for event in events:
        if isinstance(event, UsageEvent):
            first.setdefault(event.request_id, event)  # of two in one batch the first stands, as it would in two
    finished = list(first.values())
    over = first.keys()
    begun = [event for event in events if isinstance(event, CallStarted) and event.request_id not in over]
    _close_calls(over)
    _open_calls(begun)
    return _charge_or_correct(finished)


def charge(rows: Sequence[Row]) -> list[Written]:
    """Insert charges (`final` or `estimate` rows); a request that has one already is left alone."""
    return _insert(_CHARGE, rows)


def known_organizations(org_ids: Iterable[UUID]) -> set[UUID]:
    """Those that exist, held until the transaction ends so that none is deleted under its new rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM governance_organization WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
            [sorted(set(org_ids))],
        )
        return {org_id for (org_id,) in cursor.fetchall()}


def estimate_row(call: CallStarted, *, receipt: dict[str, Any]) -> Row:
    """The ledger row of a call whose usage never came: what was estimated, and no saving claimed."""
    return _identity(call) | {
        "kind": "estimate",
        "outcome": "estimated",
        "status": 200,
        "usage_estimated": True,
        "tier": 0,
        "input_tokens": call.estimate_input_tokens,
        "output_tokens": call.estimate_output_tokens,
        "cost_nano": call.estimate_nano,
        "original_cost_nano": call.estimate_nano,
        "baseline_model": "",
        "techniques": (),
        "receipt": receipt,
        **dict.fromkeys(
            ("cached_input_tokens", "cache_write_tokens", "reasoning_tokens", "own_spend_nano", "latency_ms"), 0
        ),
        **dict.fromkeys(("first_byte_ms", "tokens_saved"), 0),
    }


def _charge_or_correct(finished: Sequence[UsageEvent]) -> list[Written]:
    rows = [_final_row(event) for event in finished]
    written = charge(rows)
    if len(written) == len(rows):
        return written
    charged = {entry.request_id for entry in written}
    late = [row for row in rows if row["request_id"] not in charged]
    return written + _insert(_CORRECT, [row | {"kind": "correction"} for row in late])


def _final_row(event: UsageEvent) -> Row:
    return _identity(event) | {"kind": "final"}


def _identity(event: Event) -> Row:
    """The event's own fields, named as the columns are, with its ids and its time in the ledger's types."""
    return msgspec.structs.asdict(event) | {
        "request_id": ids.to_uuid(event.request_id),
        "started_at": ids.started_at(event.request_id),
        "key_id": event.key_id or None,
    }


def _insert(statement: str, rows: Sequence[Row]) -> list[Written]:
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, [_json(rows)])
        return [Written(*columns) for columns in cursor.fetchall()]


def _open_calls(calls: Sequence[CallStarted]) -> None:
    if not calls:
        return
    rows = [_identity(call) | {"event": call} for call in calls]
    with connection.cursor() as cursor:
        cursor.execute(_START, [_json(rows)])


def _close_calls(request_ids: Iterable[str]) -> None:
    uuids = sorted(ids.to_uuid(request_id) for request_id in request_ids)
    if uuids:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM analytics_startedcall WHERE request_id = ANY(%s)", [uuids])


def _json(rows: Sequence[Row]) -> str:
    return msgspec.json.encode(rows).decode()
