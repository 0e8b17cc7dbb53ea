"""Erasing one end user of an organization from everything that is kept, whichever app keeps it.

Each app registers what it keeps of end users and how that goes:

    @erases
    def erase_responses(person): return {"stored responses": 2}

What was paid for them stays in the ledger, without their name. Calls of theirs that are under way leave their traces
later: the erasure is done again for those (`governance.sweeps`). What they ask after it is not touched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from governance import outbox
from governance.sweeps import finish_sweep, promise_sweeps

log = logging.getLogger(__name__)

SWEEP = "governance.erase_user"
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Person:
    """An end user as their organization's requests name them, in requests made until `asked_by`.

    Somebody waits unless `patient`: what takes longer than a few seconds then is left to the outbox.
    """

    org_id: str
    end_user: str
    asked_by: datetime
    patient: bool = False


Counts = Mapping[str, int | None]
"""How much of each kind of thing went. None: it cannot be reached now, or not in the time that somebody may wait."""

Eraser = Callable[[Person], Counts]
"""Erases what one app keeps. May be done again."""


class Unfinished(RuntimeError):  # noqa: N818 - the rest is only put off
    """Something could not be reached."""


@dataclass(frozen=True, slots=True)
class Erased:
    """None counts what is erased in the background, as soon as it can be."""

    counts: Counts

    @property
    def complete(self) -> bool:
        return None not in self.counts.values()


@dataclass(frozen=True, slots=True)
class ErasureRefused:
    """Why nothing was erased; fit to be shown."""

    reason: str


_erasers: list[Eraser] = []
_at_last: list[Eraser] = []


def erases(eraser: Eraser) -> Eraser:
    """Registers what erases."""
    _erasers.append(eraser)
    return eraser


def erases_at_last(eraser: Eraser) -> Eraser:
    """Registers what the others find by what is theirs: it is erased once they have."""
    _at_last.append(eraser)
    return eraser


def erase_user(*, org_id: UUID | str, end_user: str) -> Erased | ErasureRefused:
    """Erases what can be at once, and promises the rest, and what is still to come."""
    if not end_user.strip() or "\0" in end_user or len(end_user) > LONGEST_NAME:
        return ErasureRefused(f"name the end user as your requests do, in at most {LONGEST_NAME} characters")
    person = Person(str(org_id), end_user, timezone.now())
    payload = {"org_id": person.org_id, "end_user": end_user, "asked_by": person.asked_by.isoformat()}
    with transaction.atomic():
        promise_sweeps(topic=SWEEP, payload=payload, since=person.asked_by)
    erased = _erase(person)
    log.info("erasure.done", extra={"org_id": person.org_id, "complete": erased.complete})
    return erased


@outbox.handler(SWEEP)
def sweep(payload: outbox.Payload) -> None:
    """An erasure again. Fails, and is tried again later, while something cannot be reached."""
    asked_by = datetime.fromisoformat(payload["asked_by"])
    erased = _erase(Person(payload["org_id"], payload["end_user"], asked_by, patient=True))
    if not erased.complete:
        raise Unfinished(", ".join(what for what, count in erased.counts.items() if count is None))
    finish_sweep(payload)


def _erase(person: Person) -> Erased:
    counts: dict[str, int | None] = {}
    for eraser in (*_erasers, *_at_last):
        counts |= eraser(person)
    return Erased(counts)
