"""What comes off the stream is in the ledger once, whatever happens on the way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import redis

from analytics import ids
from analytics.models import LedgerEntry, StartedCall, UsageRollup
from tests.analytics.happenings import cache_hit, end_of, finished, started

pytestmark = pytest.mark.django_db


def _ledger_of(request_id: str) -> LedgerEntry:
    return LedgerEntry.objects.get(request_id=ids.to_uuid(request_id))


def test_a_finished_request_becomes_one_ledger_row_with_everything_it_said(org, send, drain):
    event = finished(
        org.pk, at=datetime(2026, 11, 20, 14, 0, 0, 123000, tzinfo=UTC), tags=("search", "beta"), end_user="user-7"
    )
    send(event)
    drain()
    row = _ledger_of(event.request_id)
    assert row.kind == "final"
    assert row.started_at == datetime(2026, 11, 20, 14, 0, 0, 123000, tzinfo=UTC)
    assert row.org_id == org.pk
    assert row.key_id is None
    said = ("model", "provider", "requested_model", "baseline_model", "wire", "routing_mode", "routing_reason", "tier",
            "outcome", "status", "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens",
            "reasoning_tokens", "cost_nano", "original_cost_nano", "own_spend_nano", "price_version", "latency_ms",
            "first_byte_ms", "quality", "tokens_saved", "receipt", "task", "end_user", "usage_estimated")  # fmt: skip
    assert {name: getattr(row, name) for name in said} == {name: getattr(event, name) for name in said}
    assert row.tags == ["search", "beta"]
    assert row.techniques == ["whitespace"]


def test_an_event_sent_twice_counts_once(org, send, drain):
    event = finished(org.pk)
    send(event, event)
    drain()
    send(event)
    drain()
    assert LedgerEntry.objects.for_org(org.pk).count() == 1
    assert {row.requests for row in UsageRollup.objects.for_org(org.pk)} == {1}


def test_a_crash_between_commit_and_acknowledgement_counts_nothing_twice(
    org, send, new_recorder, client, stream_name, monkeypatch
):
    send(finished(org.pk), cache_hit(org.pk))
    crashing, surviving = new_recorder(), new_recorder()
    monkeypatch.setattr(crashing._stream, "finish", _crash)
    with pytest.raises(redis.ConnectionError):
        crashing.record_stream(block_ms=None)
    assert LedgerEntry.objects.for_org(org.pk).count() == 2
    assert client.xlen(stream_name) == 2

    surviving.record_abandoned(idle_ms=0)
    assert LedgerEntry.objects.for_org(org.pk).count() == 2
    assert sum(row.requests for row in UsageRollup.objects.for_org(org.pk).filter(grain="d")) == 2
    assert client.xlen(stream_name) == 0
    assert client.xpending(stream_name, "recorder")["pending"] == 0


def test_a_crash_before_the_commit_loses_nothing(org, send, new_recorder, client, stream_name):
    send(finished(org.pk), finished(org.pk))
    read_and_died, surviving = new_recorder(), new_recorder()
    assert len(read_and_died._stream.read(10)) == 2
    assert surviving.record_stream(block_ms=None) is False
    assert LedgerEntry.objects.for_org(org.pk).count() == 0
    surviving.record_abandoned(idle_ms=0)
    assert LedgerEntry.objects.for_org(org.pk).count() == 2
    assert client.xlen(stream_name) == 0


def test_a_recorder_that_leaves_with_entries_unwritten_leaves_them_to_the_others(org, send, new_recorder):
    send(finished(org.pk))
    leaving, staying = new_recorder(), new_recorder()
    assert len(leaving._stream.read(10)) == 1
    leaving._stream.leave()
    staying.record_abandoned(idle_ms=0)
    assert LedgerEntry.objects.for_org(org.pk).count() == 1


def test_entries_of_a_living_recorder_are_not_taken_from_it(org, send, new_recorder):
    send(finished(org.pk))
    busy, other = new_recorder(), new_recorder()
    assert len(busy._stream.read(10)) == 1
    assert other.record_abandoned() is False
    assert LedgerEntry.objects.for_org(org.pk).count() == 0


def test_a_started_call_stays_open_until_its_end_is_recorded(org, send, drain):
    call = started(org.pk, tags=("beta",))
    send(call)
    drain()
    open_call = StartedCall.objects.for_org(org.pk).get()
    assert (open_call.estimate_nano, str(open_call.process_id)) == (900_000, call.process_id)
    assert open_call.started_at == ids.started_at(call.request_id)

    send(end_of(call))
    drain()
    assert StartedCall.objects.for_org(org.pk).count() == 0
    assert _ledger_of(call.request_id).kind == "final"


def test_a_start_and_its_end_in_one_batch_leave_only_the_end(org, send, drain):
    call = started(org.pk)
    send(call, end_of(call))
    drain()
    assert StartedCall.objects.for_org(org.pk).count() == 0
    assert LedgerEntry.objects.for_org(org.pk).count() == 1


def test_a_start_that_arrives_after_its_end_opens_nothing(org, send, drain):
    call = started(org.pk)
    send(end_of(call))
    drain()
    send(call)
    drain()
    assert StartedCall.objects.for_org(org.pk).count() == 0


def test_a_client_cannot_keep_its_request_out_of_the_ledger_by_odd_names(org, send, drain):
    event = finished(
        org.pk,
        tags=("a" * 500, "x\x00y", "", "twice", "twice"),
        end_user="u\x00" * 300,
        requested_model="m" * 900,
        routing_reason="because\x00of",
        receipt={"stages": {"no\x00te": ["\x00"]}},
    )
    send(event)
    drain()
    row = _ledger_of(event.request_id)
    assert row.tags == ["a" * 100, "x\ufffdy", "twice"]
    assert len(row.end_user) == 200
    assert len(row.requested_model) == 200
    assert row.routing_reason == "because\ufffdof"
    assert row.receipt == {"stages": {"no\ufffdte": ["\ufffd"]}}


def test_several_batches_are_recorded_whole(org, send, new_recorder, client, stream_name):
    send(*(finished(org.pk) for _ in range(25)))
    recorder = new_recorder(batch_size=10)
    full = [recorder.record_stream(block_ms=None) for _ in range(4)]
    assert full == [True, True, False, False]
    assert LedgerEntry.objects.for_org(org.pk).count() == 25
    assert client.xlen(stream_name) == 0


def _crash(_entries: object) -> None:
    raise redis.ConnectionError("gone")
