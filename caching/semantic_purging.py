"""How T2 forgets: vectors and answers together, a batch at a time, so that no lock is held for long."""

from __future__ import annotations

import re
from collections import defaultdict
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from caching.exact import mark
from caching.models import SemanticAnswer, SemanticVector
from caching.pinecone_purging import promise_forgetting
from caching.purging import Holdings, Kind, Selection

_AT_A_TIME = 1_000
_DIGEST = re.compile(r"(?:[0-9a-f]{2}){8,64}")

_HOLDINGS = """
SELECT count(*), coalesce(sum(pg_column_size(entry) + pg_column_size(question)), 0)
  FROM caching_semanticanswer WHERE org_id = %s AND expires_at > now()
"""
# By organization, for that is what the index begins with.
_CLEAR = """
WITH expired AS (
  SELECT old.id FROM governance_organization org
   CROSS JOIN LATERAL (SELECT id FROM caching_semanticanswer
                        WHERE org_id = org.id AND expires_at < now() LIMIT %(most)s) old
   LIMIT %(most)s),
gone AS (DELETE FROM caching_semanticvector WHERE answer_id IN (SELECT id FROM expired))
DELETE FROM caching_semanticanswer WHERE id IN (SELECT id FROM expired) RETURNING org_id, id
"""


class SemanticTier:
    """Fulfils `caching.purging.Tier`."""

    name = "t2"

    def purge(self, org_id: str, selection: Selection) -> int:
        fits = _fitting(org_id, selection)
        if fits is None:
            return 0
        doomed = SemanticAnswer.objects.for_org(org_id).filter(fits, stored_at__lte=selection.asked_by)
        forgotten = 0
        while page := list(doomed.values_list("pk", flat=True)[:_AT_A_TIME]):
            forgotten += _delete(SemanticAnswer.objects.for_org(org_id).filter(pk__in=page), org_id, page)
        return forgotten

    def holdings(self, org_id: str) -> Holdings:
        with connection.cursor() as cursor:
            cursor.execute(_HOLDINGS, [org_id])
            entries, size = cursor.fetchone()
        return Holdings(entries, int(size))

    def clear_expired(self) -> int:
        cleared = 0
        while True:
            deleted = _clear_some()
            cleared += deleted
            if deleted < _AT_A_TIME:
                return cleared


def _clear_some() -> int:
    gone: dict[str, list[UUID]] = defaultdict(list)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLEAR, {"most": _AT_A_TIME})
        for org_id, entry in cursor.fetchall():
            gone[str(org_id)].append(entry)
        for org_id, entries in gone.items():
            promise_forgetting(org_id, entries)
    return sum(len(entries) for entries in gone.values())


def _fitting(org_id: str, selection: Selection) -> Q | None:
    """None when nothing can be of this name."""
    name = selection.name
    match selection.kind:
        case Kind.EVERYTHING:
            return Q()
        case Kind.KEY:
            return Q(key_id=name)
        case Kind.MODEL:
            return Q(model=name)
        case Kind.ENTRY:
            return _entry_named(name)
        case Kind.DOCUMENT if _DIGEST.fullmatch(name):
            return Q(marks__contains=[mark(org_id, "document", name)]) | Q(document=bytes.fromhex(name))
        case kind:
            return Q(marks__contains=[mark(org_id, kind.value, name)])


def _entry_named(name: str) -> Q | None:
    try:
        return Q(pk=UUID(name))
    except ValueError:
        return None


def _delete(answers: QuerySet[SemanticAnswer], org_id: str, page: list[UUID]) -> int:
    with transaction.atomic():
        SemanticVector.objects.for_org(org_id).filter(answer_id__in=page)._raw_delete(answers.db)
        deleted: int = answers._raw_delete(answers.db)
        promise_forgetting(org_id, page)
    return deleted
