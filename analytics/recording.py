"""Writes a batch of entries, whatever is in it: the good into the ledger, the senseless handed back with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from analytics import ledger
from analytics.domain import Event, UsageEvent
from analytics.intake import Entry, Unreadable, read_event
from analytics.ledger import Written


@dataclass(frozen=True, slots=True)
class Poison:
    """An entry that can never be recorded."""

    entry: Entry
    reason: str


_parse_org = lru_cache(maxsize=10_000)(UUID)


@dataclass(slots=True)
class Batch:
    """What became of a batch. `settled` are its finished requests, by organization, also those recorded before."""

    written: list[Written] = field(default_factory=list)
    settled: list[tuple[UUID, str]] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)


def write(entries: Sequence[Entry]) -> Batch:
    """Write what can be written.

    Raises django.db.Error when the database is away or busy; then try the same batch again, however much of it was
    written: what is recorded already adds nothing.
    """
    batch = Batch()
    readable: list[tuple[Entry, Event]] = []
    for entry in entries:
        event = read_event(entry.payload)
        if isinstance(event, Unreadable):
            batch.poison.append(Poison(entry, event.reason))
        else:
            readable.append((entry, event))
    if readable:
        _write_readable(readable, batch)
    return batch


def _write_readable(readable: Sequence[tuple[Entry, Event]], batch: Batch) -> None:
    """One transaction; if a value in it does not fit, halves are tried until the culprit stands alone."""
    try:
        with transaction.atomic():
            written, strangers = _record(readable)
    except (DataError, IntegrityError) as error:
        if len(readable) == 1:
            batch.poison.append(Poison(readable[0][0], str(error)[:300]))
            return
        middle = len(readable) // 2
        _write_readable(readable[:middle], batch)
        _write_readable(readable[middle:], batch)
        return
    batch.written += written
    batch.settled += [(_org_of(event), event.request_id) for _, event in readable if isinstance(event, UsageEvent)]
    batch.poison += strangers


def _record(readable: Sequence[tuple[Entry, Event]]) -> tuple[list[Written], list[Poison]]:
    known = ledger.known_organizations(_org_of(event) for _, event in readable)
    events: list[Event] = []
    strangers: list[Poison] = []
    for entry, event in readable:
        if _org_of(event) in known:
            events.append(event)
        else:
            strangers.append(Poison(entry, f"no such organization: {event.org_id}"))
    return ledger.record(events), strangers


def _org_of(event: Event) -> UUID:
    return _parse_org(event.org_id)
