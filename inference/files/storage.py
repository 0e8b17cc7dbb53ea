"""Keeping files for an organization: the one place where they come and go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from governance.scoping import TenantQuerySet
from inference.domain import Refusal, RefusalKind
from inference.files.contents import ContentWriter
from inference.models.batches import Batch
from inference.models.files import StoredFile, new_file_id

CREATABLE = frozenset(
    {
        StoredFile.Purpose.ASSISTANTS,
        StoredFile.Purpose.BATCH,
        StoredFile.Purpose.FINE_TUNE,
        StoredFile.Purpose.VISION,
        StoredFile.Purpose.USER_DATA,
        StoredFile.Purpose.EVALS,
    }
)
"""What a caller may upload a file for."""

SHORTEST_LIFE, LONGEST_LIFE = 3600, 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be kept. `lives_seconds` is None for as long as its purpose has it."""

    org_id: str
    key_id: str | None
    purpose: str
    filename: str
    lives_seconds: int | None = None
    hidden: bool = False


def store_file(new: NewFile, pieces: Iterable[bytes]) -> StoredFile | Refusal:
    """Keep what the pieces come to. Nothing is kept of a file that is refused."""
    with transaction.atomic():
        file = write_file(new, pieces)
        refusal = _refusal_of(file)
        transaction.set_rollback(refusal is not None)
    return file if refusal is None else refusal


def _refusal_of(file: StoredFile) -> Refusal | None:
    if not file.bytes:
        return Refusal(RefusalKind.INVALID, "the file is empty", details={"param": "file"})
    _take_turns(file.org_id)
    used, quota = used_bytes(file.org_id), settings.ASAHI.files.quota_bytes
    if used <= quota:
        return None
    return Refusal(
        RefusalKind.FORBIDDEN,
        f"the organization's files may take {quota} bytes together, and with this one they would take {used}; "
        "delete some of them",
        details={"param": "file"},
    )


def write_file(new: NewFile, pieces: Iterable[bytes]) -> StoredFile:
    """Keep it in the caller's transaction, whatever the quota: what was paid for is never lost to one."""
    file = _new_row(new)
    writer = ContentWriter(file.pk, new.org_id)
    for piece in pieces:
        writer.write(piece)
    file.bytes = writer.finish()
    file.save(update_fields=["bytes"])
    return file


def find_file(org_id: UUID | str, file_id: str) -> StoredFile | None:
    """None for one that is not there, not this organization's, not for its eyes, or whose time has come."""
    return _visible(org_id).filter(pk=file_id).first()


def find_hidden_file(org_id: UUID | str, file_id: str) -> StoredFile | None:
    """One of Asahi's own making, for a route that knows of it."""
    hidden = StoredFile.objects.for_org(org_id).filter(pk=file_id, hidden=True)
    return hidden.exclude(expires_at__lte=timezone.now()).first()


def list_files(
    org_id: UUID | str, *, after: str, limit: int, ascending: bool, purpose: str
) -> tuple[list[StoredFile], bool]:
    """A page of them, by when they were made, and whether there are more."""
    files = _visible(org_id).order_by("pk" if ascending else "-pk")
    if purpose:
        files = files.filter(purpose=purpose)
    if after:
        files = files.filter(pk__gt=after) if ascending else files.filter(pk__lt=after)
    page = list(files[: limit + 1])
    return page[:limit], len(page) > limit


def delete_file(org_id: UUID | str, file_id: str) -> StoredFile | Refusal | None:
    """The file that is gone now; a refusal while a batch still reads it."""
    with transaction.atomic():
        file = _visible(org_id).filter(pk=file_id).select_for_update().first()
        if file is None:
            return None
        reader = Batch.objects.for_org(org_id).filter(input_file=file, due_at__isnull=False).first()
        if reader is not None:
            message = f"'{file_id}' is still being read by '{reader.pk}'; cancel that batch, or wait until it has ended"
            return Refusal(RefusalKind.INVALID, message, details={"param": "file_id"})
        StoredFile.objects.for_org(org_id).filter(pk=file.pk).delete()
    return file


def delete_expired_files(limit: int = 200) -> int:
    """Housekeeping, for all organizations: those whose time has come and that no batch reads. Returns how many."""
    in_use = Batch.objects.filter(due_at__isnull=False, input_file__isnull=False).values("input_file")
    expired = StoredFile.objects.filter(expires_at__lte=timezone.now()).exclude(pk__in=in_use)
    found = list(expired.order_by("expires_at").values_list("pk", flat=True)[:limit])
    StoredFile.objects.filter(pk__in=found).delete()
    return len(found)


def used_bytes(org_id: UUID | str) -> int:
    """What an organization's files take, as it sees their sizes."""
    return StoredFile.objects.for_org(org_id).aggregate(total=Sum("bytes"))["total"] or 0


def _visible(org_id: UUID | str) -> TenantQuerySet[StoredFile]:
    now = timezone.now()
    return StoredFile.objects.for_org(org_id).filter(hidden=False).exclude(expires_at__lte=now)


def _new_row(new: NewFile) -> StoredFile:
    now = timezone.now()
    return StoredFile.objects.create(
        pk=new_file_id(),
        org_id=UUID(new.org_id),
        key_id=None if new.key_id is None else UUID(new.key_id),
        purpose=new.purpose,
        filename=new.filename[:255],
        bytes=0,
        hidden=new.hidden,
        created_at=now,
        expires_at=_expiry(new, now),
    )


def _expiry(new: NewFile, now: datetime) -> datetime | None:
    if new.lives_seconds is not None:
        return now + timedelta(seconds=new.lives_seconds)
    kept = {StoredFile.Purpose.BATCH, StoredFile.Purpose.BATCH_OUTPUT}
    return now + timedelta(days=settings.ASAHI.files.batch_days) if new.purpose in kept else None


def _take_turns(org_id: UUID) -> None:
    """Until the transaction ends, so that two uploads cannot both take the last place."""
    number = int.from_bytes(hashlib.sha256(f"files {org_id}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
