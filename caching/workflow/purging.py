"""How T3 forgets: documents by their names, and steps by whose requests they were made for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Length
from django.utils import timezone

from caching.exact import mark
from caching.purging import Holdings, Kind, Selection
from caching.workflow.models import WorkflowDocument, WorkflowStep

_AT_A_TIME = 1_000
_TABLES: tuple[type[WorkflowDocument] | type[WorkflowStep], ...] = (WorkflowDocument, WorkflowStep)


class WorkflowTier:
    """Fulfils `caching.purging.Tier`. Answers about documents are among T2's entries, and forgotten with them."""

    name = "t3"

    def purge(self, org_id: str, selection: Selection) -> int:
        gone = 0
        for table in _TABLES:
            fits = _fitting(org_id, selection, table)
            if fits is not None:
                rows: QuerySet[Any] = table.objects.for_org(org_id).filter(fits, stored_at__lte=selection.asked_by)
                gone += _delete(rows)
        return gone

    def holdings(self, org_id: str) -> Holdings:
        now, entries, size = timezone.now(), 0, 0
        for table in _TABLES:
            kept: QuerySet[Any] = table.objects.for_org(org_id).filter(expires_at__gt=now)
            entries += kept.count()
            size += kept.aggregate(size=Sum(Length("sealed")))["size"] or 0
        return Holdings(entries, size)

    def clear_expired(self) -> int:
        """Of all organizations."""
        return sum(_delete(table.objects.filter(expires_at__lt=timezone.now())) for table in _TABLES)


def _delete(rows: QuerySet[Any]) -> int:
    gone = 0
    while page := list(rows.values_list("pk", flat=True)[:_AT_A_TIME]):
        gone += rows.model.objects.filter(pk__in=page).delete()[0]
    return gone


def _fitting(org_id: str, selection: Selection, table: type[Any]) -> Q | None:
    """None when nothing can be of this name."""
    name = selection.name
    match selection.kind:
        case Kind.EVERYTHING:
            return Q()
        case Kind.KEY:
            return Q(key_id=name)
        case Kind.MODEL:
            return Q(model=name) if table is WorkflowStep else None
        case Kind.ENTRY:
            return _entry_named(name)
        case kind:
            return Q(marks__contains=[mark(org_id, kind.value, name)])


def _entry_named(name: str) -> Q | None:
    try:
        return Q(pk=UUID(name))
    except ValueError:
        return None
