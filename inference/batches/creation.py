"""Making, finding, listing and cancelling batches, for whichever API asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inference.batches.waking import wake_worker
from inference.domain import Refusal, RefusalKind
from inference.models.batches import Batch, new_batch_id
from inference.models.files import StoredFile

WINDOW = timedelta(hours=24)
Status = Batch.Status
_PREFIXES = {Batch.Api.OPENAI: "batch", Batch.Api.ANTHROPIC: "msgbatch"}
_CANCELLABLE = (Status.VALIDATING, Status.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class NewBatch:
    """What a caller asks for, already checked for its shape."""

    org_id: str
    key_id: str
    api: Batch.Api
    endpoint: str
    input_file_id: str
    steering: Mapping[str, str]
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None
    output_expires_after: int | None = None
    hidden_input: bool = False
    total: int = 0
    """How many lines there are, when that is known."""


def create_batch(new: NewBatch) -> Batch | Refusal:
    """The batch, which a worker will take up soon."""
    with transaction.atomic():
        files = StoredFile.objects.for_org(new.org_id).filter(pk=new.input_file_id, hidden=new.hidden_input)
        file = files.exclude(expires_at__lte=timezone.now()).select_for_update().first()
        if file is None:
            return _bad_file(f"No such File object: {new.input_file_id[:100]}")
        if file.purpose != StoredFile.Purpose.BATCH:
            return _bad_file(f"The file '{file.pk}' was uploaded with the purpose '{file.purpose}', not 'batch'.")
        now = timezone.now()
        batch = Batch.objects.create(
            pk=new_batch_id(_PREFIXES[new.api]),
            total=new.total,
            org_id=UUID(new.org_id),
            key_id=UUID(new.key_id),
            api=new.api,
            endpoint=new.endpoint,
            steering=dict(new.steering),
            tags=list(new.tags),
            metadata=None if new.metadata is None else dict(new.metadata),
            output_expires_after=new.output_expires_after,
            input_file=file,
            input_file_name=file.pk,
            created_at=now,
            due_at=now,
            expires_at=now + WINDOW,
        )
        transaction.on_commit(wake_worker)
    return batch


def find_batch(org_id: UUID | str, batch_id: str, api: Batch.Api) -> Batch | None:
    return Batch.objects.for_org(org_id).filter(pk=batch_id, api=api).first()


def list_batches(
    org_id: UUID | str, api: Batch.Api, *, limit: int, after: str = "", before: str = ""
) -> tuple[list[Batch], bool]:
    """A page of them, the newest first, and whether there are more beyond it. `before` asks for newer ones."""
    batches = Batch.objects.for_org(org_id).filter(api=api)
    if before:
        page = list(batches.filter(pk__gt=before).order_by("pk")[: limit + 1])
        return page[:limit][::-1], len(page) > limit
    if after:
        batches = batches.filter(pk__lt=after)
    page = list(batches.order_by("-pk")[: limit + 1])
    return page[:limit], len(page) > limit


def cancel_batch(org_id: UUID | str, batch_id: str, api: Batch.Api) -> Batch | Refusal | None:
    """The batch, which ends as soon as what providers work on is brought in. Idempotent while it does."""
    with transaction.atomic():
        batch = Batch.objects.for_org(org_id).filter(pk=batch_id, api=api).select_for_update().first()
        if batch is None or batch.status == Status.CANCELLING:
            return batch
        if batch.status not in _CANCELLABLE:
            return Refusal(RefusalKind.CONFLICT, f"Cannot cancel a batch with status '{batch.status}'.")
        batch.status, batch.cancelling_at, batch.due_at = Status.CANCELLING, timezone.now(), timezone.now()
        batch.save(update_fields=["status", "cancelling_at", "due_at"])
        transaction.on_commit(wake_worker)
    return batch


def delete_batch(org_id: UUID | str, batch_id: str, api: Batch.Api) -> Batch | Refusal | None:
    """The batch that is gone now, with its lines and its files; a refusal while it is being worked off."""
    with transaction.atomic():
        batch = Batch.objects.for_org(org_id).filter(pk=batch_id, api=api).select_for_update().first()
        if batch is None:
            return None
        if batch.due_at is not None:
            message = f"'{batch_id}' is still being worked off; cancel it, or wait until it has ended"
            return Refusal(RefusalKind.INVALID, message)
        files = (batch.input_file_name, batch.output_file_name, batch.error_file_name)
        StoredFile.objects.for_org(org_id).filter(pk__in=[name for name in files if name], hidden=True).delete()
        Batch.objects.for_org(org_id).filter(pk=batch_id).delete()
    return batch


def _bad_file(message: str) -> Refusal:
    details: dict[str, Any] = {"param": "input_file_id"}
    return Refusal(RefusalKind.INVALID, message, details=details)
