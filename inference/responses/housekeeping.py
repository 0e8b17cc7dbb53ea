"""Deleting what has expired."""

from __future__ import annotations

from django.db import connection

_AT_A_TIME = 1000

_CLEAR = """
DELETE FROM inference_storedresponse WHERE id IN (
    SELECT id FROM inference_storedresponse AS expired
     WHERE expires_at < now() AND NOT EXISTS (
           SELECT 1 FROM inference_storedresponse AS follower
            WHERE follower.previous_id = expired.id AND follower.org_id = expired.org_id)
     LIMIT %s)
"""


def clear_expired() -> int:
    """Deletes expired responses that nobody's conversation goes through, the last turns first. Returns how many."""
    cleared = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_CLEAR, [_AT_A_TIME])
            deleted: int = cursor.rowcount
            cleared += deleted
            if not deleted:
                return cleared
