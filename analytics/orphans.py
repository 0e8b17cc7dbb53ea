"""Bills the provider calls whose gateway process died before it could say what they used.

A call is an orphan once its process has not beaten its heart for the length of the lease (or the call is older than any
call may be). It is billed at its estimate; when its usage turns up after all, the ledger corrects it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connection, transaction

from analytics import ledger
from analytics.domain import CallStarted
from analytics.ledger import Written

LONGEST_CALL_SECONDS = 3600
_ONE_SWEEPER = 0x0A5A_0001  # the advisory lock's number; ours alone in this database

_TAKE_ORPHANS = """
DELETE FROM analytics_startedcall WHERE request_id IN (
    SELECT call.request_id
    FROM analytics_startedcall AS call
    LEFT JOIN analytics_gatewayprocess AS process ON process.id = call.process_id
    WHERE call.started_at < now() - %(lease)s * interval '1 second'
      AND (
        process.id IS NULL
        OR process.heartbeat_at < now() - %(lease)s * interval '1 second'
        OR call.started_at < now() - %(longest)s * interval '1 second'
      )
    ORDER BY call.request_id
    LIMIT %(limit)s
    FOR UPDATE OF call SKIP LOCKED
)
RETURNING event
"""

# A start that was recorded after its own end (by another recorder) would stay open for as long as its process lives.
_FORGET_CHARGED = """
DELETE FROM analytics_startedcall AS call
USING analytics_ledgerentry AS charged
WHERE call.started_at < now() - %(lease)s * interval '1 second'
  AND charged.request_id = call.request_id AND charged.started_at = call.started_at
"""


def sweep(lease_seconds: float, *, limit: int = 500) -> list[Written]:
    """Bill the calls that nobody will finish. Returns what was written; nothing when another recorder is sweeping.

    The caller makes sure first that no finished event is still waiting in the stream or the spool.
    """
    with transaction.atomic():
        if not _is_only_sweeper():
            return []
        _execute(_FORGET_CHARGED, {"lease": lease_seconds})
        bounds = {"lease": lease_seconds, "longest": LONGEST_CALL_SECONDS, "limit": limit}
        calls = [msgspec.json.decode(event, type=CallStarted) for (event,) in _execute(_TAKE_ORPHANS, bounds)]
        return ledger.charge([ledger.estimate_row(call, receipt=_receipt(call)) for call in calls])


def _receipt(call: CallStarted) -> dict[str, Any]:
    return {
        "estimated_because": "The gateway process that served this request stopped before it reported what was used.",
        "estimate": {
            "input_tokens": call.estimate_input_tokens,
            "output_tokens": call.estimate_output_tokens,
            "cost_nano": call.estimate_nano,
        },
        "process_id": call.process_id,
    }


def _is_only_sweeper() -> bool:
    return bool(_execute("SELECT pg_try_advisory_xact_lock(%(key)s)", {"key": _ONE_SWEEPER})[0][0])


def _execute(statement: str, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []
