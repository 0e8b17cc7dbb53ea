"""Events the gateway wrote straight to Postgres are recorded like those from the stream."""

from __future__ import annotations

import asyncio
import threading

import pytest
import redis
from django.db import connection, transaction
from psycopg_pool import AsyncConnectionPool

from analytics import door, spool
from analytics.models import LedgerEntry, SpooledEvent
from tests.analytics.happenings import cache_hit, end_of, finished, started


def conninfo() -> str:
    """Where the tests' own database is."""
    config = connection.settings_dict
    parts = {"host": config["HOST"], "port": config["PORT"], "user": config["USER"], "dbname": config["NAME"],
             "password": config["PASSWORD"]}  # fmt: skip
    return " ".join(f"{name}={value}" for name, value in parts.items() if value)


async def _spool(*payloads: bytes) -> None:
    async with AsyncConnectionPool(conninfo(), min_size=1, max_size=1, open=False) as pool:
        await door.spool(pool, payloads)


def test_what_the_door_spools_the_recorder_records(committed_org, recorder):
    events = [finished(committed_org.pk), cache_hit(committed_org.pk)]
    asyncio.run(_spool(*map(door.encode, events)))
    assert SpooledEvent.objects.count() == 2
    recorder.record_spool()
    assert SpooledEvent.objects.count() == 0
    assert LedgerEntry.objects.for_org(committed_org.pk).count() == 2


@pytest.mark.django_db
def test_an_event_both_on_the_stream_and_in_the_spool_counts_once(org, send, drain, recorder):
    """As when the stream took it, but the answer to that was lost."""
    event = finished(org.pk)
    send(event)
    SpooledEvent.objects.create(event=door.encode(event))
    drain()
    recorder.record_spool()
    assert LedgerEntry.objects.for_org(org.pk).count() == 1


@pytest.mark.django_db
def test_a_start_on_the_stream_ends_with_its_end_in_the_spool(org, send, drain, recorder):
    call = started(org.pk)
    send(call)
    drain()
    SpooledEvent.objects.create(event=door.encode(end_of(call)))
    recorder.record_spool()
    assert LedgerEntry.objects.for_org(org.pk).get().kind == "final"


@pytest.mark.django_db
def test_poison_stays_in_the_spool_while_there_is_nowhere_to_bury_it(org, recorder, monkeypatch):
    SpooledEvent.objects.create(event=b"rubbish")
    SpooledEvent.objects.create(event=door.encode(finished(org.pk)))

    def away(*_: object, **__: object) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(recorder._stream, "bury", away)
    recorder.record_spool()
    assert [bytes(row.event) for row in SpooledEvent.objects.all()] == [b"rubbish"]
    assert LedgerEntry.objects.for_org(org.pk).count() == 1


def test_two_recorders_never_take_the_same_row(committed_org):
    SpooledEvent.objects.bulk_create(SpooledEvent(event=door.encode(finished(committed_org.pk))) for _ in range(6))
    seen_by_other: list[int] = []

    def other() -> None:
        seen_by_other.append(len(spool.drain(10, bury=lambda _: True).settled))
        connection.close()

    def bury_never(_: object) -> bool:
        raise AssertionError("nothing here is poison")

    with transaction.atomic():
        taken = spool._take(4)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(timeout=10)
    assert (len(taken), seen_by_other) == (4, [2])
    assert len(spool.drain(10, bury=bury_never).settled) == 4
    assert LedgerEntry.objects.for_org(committed_org.pk).count() == 6
