"""Deleting what has expired: files, and the lines of batches that ended long ago."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from inference.files.storage import delete_expired_files
from inference.models.batches import Batch, BatchItem

LINES_KEPT = timedelta(days=30)
_BATCHES_AT_ONCE = 20


def clear_files() -> int:
    """Returns how many files and lines were deleted."""
    cleared = 0
    while deleted := delete_expired_files():
        cleared += deleted
    return cleared + _clear_lines()


def _clear_lines() -> int:
    """What a batch was and came to stays; what was in its lines is in its files, for as long as those are kept."""
    old = Batch.objects.filter(due_at=None, created_at__lt=timezone.now() - LINES_KEPT, items__isnull=False)
    cleared = 0
    for batch in old.distinct().order_by("pk")[:_BATCHES_AT_ONCE]:
        deleted, _ = BatchItem.objects.for_org(batch.org_id).filter(batch=batch).delete()
        cleared += deleted
    return cleared
