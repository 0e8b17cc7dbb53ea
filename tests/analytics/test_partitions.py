"""The ledger's months exist before they are needed; rows of a month that does not are found all the same."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime

from django.db import connection, transaction

from analytics import ledger, partitions
from analytics.models import LedgerEntry
from tests.analytics.happenings import finished


def months() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'analytics_ledgerentry'::regclass"
        )
        return {name.removeprefix("analytics_ledgerentry_") for (name,) in cursor.fetchall()}


def partition_of(event) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM analytics_ledgerentry WHERE org_id = %s", [event.org_id])
        return cursor.fetchone()[0]


def test_this_month_and_the_next_two_are_created(db):
    before = months()
    partitions.ensure_partitions(date(2031, 11, 30))
    assert months() - before == {"y2031m11", "y2031m12", "y2032m01"}
    partitions.ensure_partitions(date(2031, 12, 1))
    assert months() - before == {"y2031m11", "y2031m12", "y2032m01", "y2032m02"}


def test_a_row_goes_to_its_own_month_in_utc(org):
    partitions.ensure_partitions(date(2031, 11, 1))
    event = finished(org.pk, at=datetime(2031, 11, 30, 23, 59, 59, 999000, tzinfo=UTC))
    with transaction.atomic():
        ledger.record([event])
    assert partition_of(event) == "analytics_ledgerentry_y2031m11"


def test_rows_that_came_before_their_month_stay_where_they_are_and_stay_unique(org, caplog):
    event = finished(org.pk, at=datetime(2031, 12, 5, tzinfo=UTC))
    with transaction.atomic():
        ledger.record([event])
    partitions.ensure_partitions(date(2031, 11, 1))
    assert "ledger.month_stays_in_default_partition" in {record.message for record in caplog.records}
    assert {"y2031m11", "y2032m01"} <= months()
    assert "y2031m12" not in months()
    with transaction.atomic():
        assert ledger.record([event]) == []
    assert LedgerEntry.objects.for_org(org.pk).count() == 1


def test_two_recorders_that_start_together_create_each_month_once(committed_org):
    failures: list[BaseException] = []

    def create() -> None:
        try:
            partitions.ensure_partitions(date(2033, 1, 1))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    try:
        assert failures == []
        assert {"y2033m01", "y2033m02", "y2033m03"} <= months()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "DROP TABLE analytics_ledgerentry_y2033m01, analytics_ledgerentry_y2033m02,"
                " analytics_ledgerentry_y2033m03"
            )
