"""The ledger without an end user's name. What they cost stays: it is owed, and every figure keeps adding up.

The ledger is append-only, and its trigger lets one change pass: a name that becomes empty, and nothing else with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from analytics import ids
from analytics.models import LedgerEntry
from governance.erasure import Counts, Person, erases_at_last

_PATIENCE_MS = 5_000
_WHAT = "ledger rows"


@erases_at_last
def erase_names(person: Person) -> Counts:
    """In a large ledger that takes longer than somebody may wait."""
    rows = LedgerEntry.objects.for_org(person.org_id).filter(end_user=person.end_user, started_at__lte=person.asked_by)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if not person.patient:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(_PATIENCE_MS)])
            erased = rows.update(end_user="")
            cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return {_WHAT: None}
        raise
    return {_WHAT: erased}


def requests_of(person: Person, request_ids: Sequence[str]) -> frozenset[str]:
    """Which of these requests were made for them."""
    known = {}
    for request_id in request_ids:
        try:
            known[ids.to_uuid(request_id)] = ids.started_at(request_id)
        except ValueError:
            continue  # not one of ours
    if not known:
        return frozenset()
    rows = LedgerEntry.objects.for_org(person.org_id).filter(
        request_id__in=list(known),
        started_at__range=(min(known.values()), min(max(known.values()), person.asked_by)),
        end_user=person.end_user,
    )
    return frozenset(ids.from_uuid(request_uuid) for request_uuid in rows.values_list("request_id", flat=True))
