"""Deleting what idempotent requests were answered, once it is no longer kept for a repeat."""

from __future__ import annotations

from typing import Final

from django.db import connection

CLEAR_TASK: Final = "inference.clear_idempotent_calls"
_AT_A_TIME: Final = 1000

_CLEAR: Final = """
DELETE FROM inference_idempotentcall WHERE id IN (
    SELECT id FROM inference_idempotentcall WHERE expires_at < now() LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def clear_idempotent_calls() -> int:
    """Deletes the expired ones of all organizations, some at a time. Returns how many."""
    cleared = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_CLEAR, [_AT_A_TIME])
            deleted: int = cursor.rowcount
            cleared += deleted
            if not deleted:
                return cleared
