"""An organization says that an answer out of a cache was wrong, or right: the entry goes, and the threshold learns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from caching.calibration import Calibration
from caching.exact import mark
from caching.models import CacheFeedback, CalibrationState
from caching.purging import Kind, PurgeRefused, purge
from governance.erasure import Counts, Person, erases

LONGEST_COMMENT = 500


@dataclass(frozen=True, slots=True)
class Served:
    """An answer that a cache gave, as its receipt has it. `certainty` is None where nothing was decided by meaning."""

    request_id: UUID
    tier: int
    end_user: str
    entry: str
    task: str
    embedder: str
    certainty: float | None

    @classmethod
    def of_receipt(cls, request_id: UUID, tier: int, end_user: str, receipt: dict[str, Any]) -> Served:
        """Receipts of earlier versions say less, and then less can be done."""
        facts: dict[str, Any] = receipt.get("evidence", {}).get(f"t{tier}", {})
        certainty = facts.get("certainty")
        return cls(
            request_id,
            tier,
            end_user,
            entry=str(facts.get("entry", "")),
            task=str(facts.get("task", "")),
            embedder=str(facts.get("embedder", "")),
            certainty=float(certainty) if isinstance(certainty, int | float) and math.isfinite(certainty) else None,
        )

    @property
    def teaches(self) -> bool:
        return self.certainty is not None and bool(self.task) and bool(self.embedder)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What came of it. `removed`: the entry is gone now; `taught`: the threshold has this label, now or from before."""

    wrong: bool
    removed: bool
    taught: bool


def give_feedback(*, org_id: UUID | str, served: Served, wrong: bool, comment: str = "") -> Feedback:
    """The same again changes nothing, and the opposite takes the label back; an entry once removed stays so."""
    with transaction.atomic():
        rows = CacheFeedback.objects.select_for_update().for_org(org_id)
        said, is_first = rows.get_or_create(
            org_id=UUID(str(org_id)), request_id=served.request_id, defaults=_facts(org_id, served) | {"wrong": wrong}
        )
        before = None if is_first else said.wrong
        if served.teaches and before is not wrong:
            _teach(org_id, served, wrong=wrong, before=before)
        said.wrong, said.comment = wrong, comment[:LONGEST_COMMENT] or said.comment
        said.save()
    return Feedback(wrong, removed=wrong and _remove(org_id, served.entry), taught=served.teaches)


@erases
def erase_comments(person: Person) -> Counts:
    """What was said of their requests in free words. That an answer was wrong stays, and is about nobody."""
    whose = mark(person.org_id, "user", person.end_user)
    theirs = CacheFeedback.objects.for_org(person.org_id).filter(end_user=whose).exclude(comment="")
    return {"feedback comments": theirs.update(comment="")}


def _facts(org_id: UUID | str, served: Served) -> dict[str, Any]:
    return {
        "tier": served.tier,
        "entry": served.entry,
        "task": served.task,
        "embedder": served.embedder,
        "certainty": served.certainty,
        "end_user": mark(str(org_id), "user", served.end_user) if served.end_user else b"",
    }


def _teach(org_id: UUID | str, served: Served, *, wrong: bool, before: bool | None) -> None:
    """Processes add to the same row, under its lock; every one of them knows of it within half a minute."""
    assert served.certainty is not None
    rows = CalibrationState.objects.select_for_update().for_org(org_id)
    row, _ = rows.get_or_create(
        org_id=UUID(str(org_id)),
        task=served.task,
        embedder=served.embedder,
        defaults={"state": Calibration().to_json(), "changed_at": timezone.now()},
    )
    state = Calibration.from_json(bytes(row.state))
    if before is not None:
        state = state.minus(Calibration().with_label(served.certainty, right=not before))
    state = state.with_label(served.certainty, right=not wrong)
    row.state, row.changed_at = state.to_json(), timezone.now()
    row.save(update_fields=["state", "changed_at"])


def _remove(org_id: UUID | str, entry: str) -> bool:
    if not entry:
        return False
    purged = purge(org_id=org_id, kind=Kind.ENTRY, name=entry)
    return not isinstance(purged, PurgeRefused) and any(purged.counts.values())
