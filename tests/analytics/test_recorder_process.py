"""`manage.py recorder` as it really runs: a process that records, and that ends well when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from analytics.models import LedgerEntry
from tests.analytics.happenings import finished


@pytest.fixture
def process(committed_org, stream_name) -> Iterator[subprocess.Popen[bytes]]:
    base, _, _ = settings.DATABASE_URL.rpartition("/")
    environment = {
        **os.environ,
        "DATABASE_URL": f"{base}/{connection.settings_dict['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "ASAHI_LEDGER_STREAM": stream_name,
    }
    running = subprocess.Popen([sys.executable, "manage.py", "recorder"], cwd=settings.BASE_DIR, env=environment)
    yield running
    running.kill()
    running.wait(10)


def recorded(org, count: int, patience: float = 20) -> bool:
    deadline = time.monotonic() + patience
    while LedgerEntry.objects.for_org(org.pk).count() < count:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_records_and_at_sigterm_finishes_what_is_there(committed_org, process, send, client, stream_name):
    send(finished(committed_org.pk))
    assert recorded(committed_org, 1)
    send(*(finished(committed_org.pk) for _ in range(50)))
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert LedgerEntry.objects.for_org(committed_org.pk).count() == 51
    assert client.xlen(stream_name) == 0
    assert client.xinfo_consumers(stream_name, "recorder") == []


def test_what_a_killed_recorder_held_is_recorded_by_the_next(committed_org, process, send, new_recorder):
    send(finished(committed_org.pk))
    assert recorded(committed_org, 1)
    process.send_signal(signal.SIGSTOP)
    send(*(finished(committed_org.pk) for _ in range(20)))
    process.kill()
    process.wait(10)
    survivor = new_recorder()
    survivor.record_abandoned(idle_ms=0)
    survivor.record_stream(block_ms=None)
    assert LedgerEntry.objects.for_org(committed_org.pk).count() == 21
