"""A row of the ledger can be added, and nothing else can be done to it."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from analytics import ledger
from analytics.models import LedgerEntry
from tests.analytics.happenings import finished, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(org):
    with transaction.atomic():
        ledger.record([finished(org.pk)])
    return LedgerEntry.objects.for_org(org.pk).get()


@pytest.mark.parametrize(
    "statement", ["UPDATE analytics_ledgerentry SET cost_nano = 0", "DELETE FROM analytics_ledgerentry"]
)
def test_the_database_itself_refuses_to_change_a_row(org, row, statement):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert LedgerEntry.objects.for_org(org.pk).get().cost_nano == 220_000


def test_the_database_itself_refuses_a_second_charge_of_a_request(row, org):
    row.pk, row.kind = None, "estimate"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_an_estimate_is_not_written_beside_a_final_row(row, org):
    call = started(org.pk, request_id=f"req_{row.request_id.hex}")
    with transaction.atomic():
        assert ledger.charge([ledger.estimate_row(call, receipt={})]) == []
    assert LedgerEntry.objects.for_org(org.pk).count() == 1
