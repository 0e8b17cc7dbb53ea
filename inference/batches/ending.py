"""The beginning and the end of a batch: its file is read and judged, and at last its result files are written."""

from __future__ import annotations

from itertools import islice

from django.db import transaction
from django.utils import timezone

from inference.batches.fates import end_unanswered
from inference.batches.job import Job
from inference.batches.lines import Place, Problem, Survey
from inference.batches.outcomes import OPEN
from inference.batches.results import write_results
from inference.files.contents import ContentReader
from inference.models.batches import Batch, BatchItem, BatchResult
from inference.models.files import StoredFile
from inference.worker import in_thread

State = BatchItem.State
Status = Batch.Status
_PAGE = 1000


def validate(batch: Batch, file: StoredFile | None) -> None:
    """All of its lines become rows, or it fails and none does."""
    if file is None:
        _fail(batch, [Problem("invalid_file", "The input file is not there any more.", param="input_file_id")])
        return
    survey = Survey(ContentReader(file), batch.endpoint)
    with transaction.atomic():
        places = survey.places()
        while page := list(islice(places, _PAGE)):
            BatchItem.objects.bulk_create([_item(batch, place) for place in page])
        if survey.problems:
            transaction.set_rollback(True)
        else:
            named = survey.models.pop() if len(survey.models) == 1 else None
            _move(batch, Status.IN_PROGRESS, total=survey.count, model=(named or "").replace("\x00", "")[:200])
    if survey.problems:
        _fail(batch, survey.problems)


async def end_what_waits(job: Job) -> None:
    """It was cancelled or its time is over: what nobody works on ends unanswered."""
    while items := await in_thread(_waiting)(job.batch):
        await end_unanswered(job, items)


def is_done(batch: Batch) -> bool:
    """Whether every line has ended."""
    return not BatchItem.objects.for_org(batch.org_id).filter(batch=batch, state__in=OPEN).exists()


def begin_finalizing(batch: Batch) -> None:
    """Nothing is left but to write its files."""
    if batch.status == Status.IN_PROGRESS and not _has(batch, State.EXPIRED):
        _move(batch, Status.FINALIZING)


def finish(batch: Batch) -> None:
    """Its files, and its last status, at once. A cancelled or expired batch has the results there are."""
    with transaction.atomic():
        write_results(batch)
        last = Status.COMPLETED
        if batch.status == Status.CANCELLING:
            last = Status.CANCELLED
        elif _has(batch, State.EXPIRED):
            last = Status.EXPIRED
        files = {"output_file_name": batch.output_file_name, "error_file_name": batch.error_file_name}
        _move(batch, last, due_at=None, **files)
        BatchResult.objects.for_org(batch.org_id).filter(item__batch=batch).delete()


def cancel_unbegun(batch: Batch) -> None:
    """It was cancelled before its file was read."""
    _move(batch, Status.CANCELLED, due_at=None)


def _waiting(batch: Batch) -> list[BatchItem]:
    waiting = BatchItem.objects.for_org(batch.org_id).filter(batch=batch, state__in=(State.WAITING, State.RUNNING))
    return list(waiting.order_by("line")[:_PAGE])


def _has(batch: Batch, state: str) -> bool:
    return BatchItem.objects.for_org(batch.org_id).filter(batch=batch, state=state).exists()


def _item(batch: Batch, place: Place) -> BatchItem:
    return BatchItem(
        batch=batch,
        org_id=batch.org_id,
        line=place.line,
        custom_id=place.custom_id,
        offset=place.offset,
        length=place.length,
    )


def _fail(batch: Batch, problems: list[Problem]) -> None:
    _move(batch, Status.FAILED, due_at=None, errors=[problem.as_json() for problem in problems])


def _move(batch: Batch, status: Batch.Status, **changes: object) -> None:
    """To its next status, with the time of it; a batch that was cancelled meanwhile stays so until that is its end."""
    ours = Batch.objects.for_org(batch.org_id).filter(pk=batch.pk)
    if status in (Status.IN_PROGRESS, Status.FINALIZING):
        moved = ours.exclude(status=Status.CANCELLING).update(status=status, **{f"{status.value}_at": timezone.now()})
        if changes:
            ours.update(**changes)
        if not moved:
            batch.refresh_from_db(fields=["status"])
            return
    else:
        ours.update(status=status, **{f"{status.value}_at": timezone.now()}, **changes)
    batch.status = status
