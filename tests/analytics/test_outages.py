"""Redis or Postgres may go and come back; the recorder waits, says so, and goes on."""

from __future__ import annotations

import pytest
import redis
from django.db import OperationalError

from analytics import door, recording
from analytics.chores import Chore
from analytics.live import LiveFeed
from analytics.models import LedgerEntry, SpooledEvent
from analytics.recorder import Recorder
from analytics.spend import SpendTeller
from analytics.stream import EventStream, connect
from tests.analytics.happenings import finished, started

pytestmark = pytest.mark.django_db

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def cut_off(stream_name):
    """A recorder whose Redis is away."""
    client = connect(NOBODY_LISTENS)
    return Recorder(
        stream=EventStream(client, stream_name, consumer="cut-off"),
        teller=SpendTeller(client),
        feed=LiveFeed(),
        batch_size=10,
        lease_seconds=20,
    )


def test_after_a_redis_that_lost_everything_the_next_events_are_recorded(org, send, drain, client, stream_name):
    send(finished(org.pk))
    drain()
    client.delete(stream_name)
    send(finished(org.pk))
    drain()
    assert LedgerEntry.objects.for_org(org.pk).count() == 2


def test_the_spool_is_drained_while_redis_is_away(org, cut_off):
    SpooledEvent.objects.create(event=door.encode(finished(org.pk)))
    cut_off.record_spool()
    assert LedgerEntry.objects.for_org(org.pk).count() == 1


def test_no_orphan_is_billed_while_redis_is_away(org, send, drain, cut_off):
    send(started(org.pk))
    drain()
    with pytest.raises(redis.ConnectionError):
        cut_off.bill_orphans()
    assert LedgerEntry.objects.for_org(org.pk).count() == 0


def test_a_batch_that_postgres_could_not_take_is_written_when_it_is_back(
    org, send, recorder, client, stream_name, monkeypatch
):
    send(finished(org.pk), finished(org.pk))

    def away(_entries: object) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(recording, "write", away)
        for _ in range(2):
            with pytest.raises(OperationalError):
                recorder.record_stream(block_ms=None)
    assert client.xlen(stream_name) == 2
    recorder.record_stream(block_ms=None)
    assert LedgerEntry.objects.for_org(org.pk).count() == 2
    assert client.xlen(stream_name) == 0


def test_budgets_that_cannot_be_told_do_not_stop_the_ledger(org, send, recorder, client, stream_name, monkeypatch):
    send(finished(org.pk))

    def full(*_: object) -> None:
        raise redis.ResponseError("OOM command not allowed when used memory > 'maxmemory'.")

    monkeypatch.setattr(recorder._teller, "_send", full)
    recorder.record_stream(block_ms=None)
    assert LedgerEntry.objects.for_org(org.pk).count() == 1
    assert client.xlen(stream_name) == 0


@pytest.mark.parametrize("error", [redis.ConnectionError("gone"), redis.TimeoutError("slow"), OperationalError("gone")])
def test_a_chore_that_fails_waits_longer_each_time_and_says_so(error, caplog):
    def fail() -> None:
        raise error

    chore = Chore("stream", fail, every=1)
    waits = []
    for _ in range(8):
        chore.do()
        waits.append(caplog.records[-1].retry_in)
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert {record.message for record in caplog.records} == {"chore.failed"}


def test_a_chore_that_works_again_is_back_in_its_rhythm(caplog):
    caplog.set_level("INFO")
    outcomes = iter([redis.ConnectionError("gone"), None, redis.ConnectionError("gone")])

    def act() -> None:
        if (outcome := next(outcomes)) is not None:
            raise outcome

    chore = Chore("stream", act, every=1)
    for _ in range(3):
        chore.do()
    assert [record.message for record in caplog.records] == ["chore.failed", "chore.recovered", "chore.failed"]
    assert caplog.records[-1].retry_in == 0.2


def test_a_bug_is_not_mistaken_for_an_outage():
    def bug() -> None:
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        Chore("stream", bug, every=1).do()
