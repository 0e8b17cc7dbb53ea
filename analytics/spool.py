"""Drains the events that the gateway wrote straight to Postgres while the stream could not take them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import connection, transaction

from analytics import recording
from analytics.intake import Entry
from analytics.recording import Poison

logger = logging.getLogger(__name__)

Bury = Callable[[Poison], bool]
"""Keeps a copy of a poisonous entry; False when it could not, and the entry must stay where it is."""


def drain(limit: int, *, bury: Bury) -> recording.Batch:
    """Record the oldest spooled events and delete them, in one transaction. Recorders share the work, never a row."""
    with transaction.atomic():
        entries = _take(limit)
        batch = recording.write(entries)
        kept = {poison.entry.id for poison in batch.poison if not bury(poison)}
        _delete([entry for entry in entries if entry.id not in kept])
    return batch


def holds_older_than(seconds: float) -> bool:
    """Whether an event has waited in the spool for longer than this."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM analytics_spooledevent WHERE created_at < now() - %s * interval '1 second')",
            [seconds],
        )
        return bool(cursor.fetchone()[0])


def _take(limit: int) -> list[Entry]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, event FROM analytics_spooledevent ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED", [limit]
        )
        return [Entry(str(spooled_id), bytes(event)) for spooled_id, event in cursor.fetchall()]


def _delete(entries: Sequence[Entry]) -> None:
    if entries:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM analytics_spooledevent WHERE id = ANY(%s)", [[int(entry.id) for entry in entries]]
            )
