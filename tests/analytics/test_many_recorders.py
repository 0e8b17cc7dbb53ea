"""Any number of recorders share the work: everything once, nothing twice, nothing left."""

from __future__ import annotations

import random
import threading
import time
from functools import partial

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from analytics import ledger, orphans
from analytics.models import LedgerEntry, StartedCall, UsageRollup
from tests.analytics.happenings import end_of, finished, started

REQUESTS = 200


def test_two_recorders_on_one_stream_record_everything_once(committed_org, send, new_recorder, client, stream_name):
    calls = [started(committed_org.pk, at=timezone.now(), tags=("a", "b")) for _ in range(REQUESTS)]
    events = [*calls, *(end_of(call, cost_nano=1000 + index) for index, call in enumerate(calls))]
    events += random.Random(7).sample(events, 100)
    random.Random(8).shuffle(events)
    recorders = [new_recorder(batch_size=30), new_recorder(batch_size=30)]
    threads = [threading.Thread(target=_run, args=(recorder,)) for recorder in recorders]
    for thread in threads:
        thread.start()
    send(*events)
    _wait_until(lambda: client.xlen(stream_name) == 0)
    for recorder in recorders:
        recorder.stop()
    for thread in threads:
        thread.join(timeout=20)

    assert LedgerEntry.objects.for_org(committed_org.pk).count() == REQUESTS
    spent = sum(1000 + index for index in range(REQUESTS))
    for tag in ("", "a", "b"):
        sums = (
            UsageRollup.objects.for_org(committed_org.pk)
            .filter(grain="d", tag=tag)
            .aggregate(Sum("requests"), Sum("cost_nano"))
        )
        assert sums == {"requests__sum": REQUESTS, "cost_nano__sum": spent}
    billed = orphans.sweep(0)  # a start may have been written after its end; that costs nobody anything
    assert not [entry for entry in billed if entry.org_id == committed_org.pk]
    assert StartedCall.objects.for_org(committed_org.pk).count() == 0
    assert LedgerEntry.objects.for_org(committed_org.pk).count() == REQUESTS
    assert client.xinfo_consumers(stream_name, "recorder") == []


def test_an_end_that_races_the_sweep_is_charged_once(committed_org, send, new_recorder):
    """The sweeper bills the estimate in one transaction while another records the end: one of them must give way."""
    calls = [started(committed_org.pk) for _ in range(40)]
    send(*calls)
    sweeping, recording = new_recorder(), new_recorder()
    sweeping.record_stream(block_ms=None)
    assert StartedCall.objects.for_org(committed_org.pk).count() == 40
    send(*(end_of(call, cost_nano=777) for call in calls))

    sweeper = threading.Thread(target=_in_thread, args=(sweeping.bill_orphans,))
    sweeper.start()
    recording.record_stream(block_ms=None)
    sweeper.join(timeout=20)

    assert LedgerEntry.objects.for_org(committed_org.pk).exclude(kind="correction").count() == 40
    assert LedgerEntry.objects.for_org(committed_org.pk).aggregate(Sum("cost_nano"))["cost_nano__sum"] == 40 * 777
    assert (
        UsageRollup.objects.for_org(committed_org.pk).filter(grain="h").aggregate(Sum("cost_nano"))["cost_nano__sum"]
        == 40 * 777
    )


def test_an_end_that_meets_the_sweep_halfway_waits_for_it_and_corrects(committed_org, send, new_recorder):
    """Both lock the open call first. In any other order they would wait for each other."""
    call = started(committed_org.pk)
    send(call)
    recorder = new_recorder()
    recorder.record_stream(block_ms=None)
    send(end_of(call, cost_nano=777))
    recording = threading.Thread(target=_in_thread, args=(partial(recorder.record_stream, block_ms=None),))
    with transaction.atomic():
        list(StartedCall.objects.for_org(committed_org.pk).select_for_update())
        recording.start()
        _wait_until(_somebody_waits_for_us)
        ledger.charge([ledger.estimate_row(call, receipt={})])
        StartedCall.objects.for_org(committed_org.pk).delete()
    recording.join(timeout=20)
    rows = LedgerEntry.objects.for_org(committed_org.pk).order_by("id")
    assert [(row.kind, row.cost_nano) for row in rows] == [("estimate", 900_000), ("correction", 777 - 900_000)]


def test_only_one_recorder_sweeps_at_a_time(committed_org, new_recorder, send):
    send(started(committed_org.pk))
    first, second = new_recorder(), new_recorder()
    first.record_stream(block_ms=None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [0x0A5A_0001])
        other = threading.Thread(target=_in_thread, args=(second.bill_orphans,))
        other.start()
        other.join(timeout=20)
        assert LedgerEntry.objects.for_org(committed_org.pk).count() == 0
        cursor.execute("SELECT pg_advisory_unlock(%s)", [0x0A5A_0001])
    second.bill_orphans()
    assert LedgerEntry.objects.for_org(committed_org.pk).get().kind == "estimate"


def test_a_stopped_recorder_first_records_what_has_arrived(committed_org, send, new_recorder, client, stream_name):
    recorder = new_recorder(batch_size=10)
    send(*(finished(committed_org.pk) for _ in range(35)))
    recorder.stop()
    recorder.run()
    assert LedgerEntry.objects.for_org(committed_org.pk).count() == 35
    assert client.xlen(stream_name) == 0


def _run(recorder) -> None:
    _in_thread(recorder.run)


def _in_thread(action) -> None:
    try:
        action()
    finally:
        connection.close()


def _somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return cursor.fetchone()[0]


def _wait_until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
