"""A call whose process died is billed at its estimate, and put right when the truth comes after all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from analytics import door, ids
from analytics.models import GatewayProcess, LedgerEntry, SpooledEvent, StartedCall, UsageRollup
from tests.analytics.happenings import end_of, finished, started

pytestmark = pytest.mark.django_db

SUMMED = ("input_tokens", "cached_input_tokens", "output_tokens", "tokens_saved", "cost_nano", "original_cost_nano",
          "own_spend_nano")  # fmt: skip


def ago(seconds: float):
    return timezone.now() - timedelta(seconds=seconds)


@pytest.fixture
def orphan(org, send, drain):
    """A call of a process that has been silent for a minute."""
    call = started(org.pk, at=ago(90), tags=("beta",))
    GatewayProcess.objects.create(id=call.process_id, heartbeat_at=ago(60))
    send(call)
    drain()
    return call


def sums(rows):
    return rows.aggregate(**{f"{name}__sum": Sum(name) for name in SUMMED})


def test_an_orphan_is_billed_at_its_estimate(org, orphan, recorder):
    recorder.bill_orphans()
    row = LedgerEntry.objects.for_org(org.pk).get()
    assert (row.kind, row.outcome, row.usage_estimated) == ("estimate", "estimated", True)
    assert (row.cost_nano, row.original_cost_nano, row.own_spend_nano) == (900_000, 900_000, 0)
    assert (row.input_tokens, row.output_tokens) == (130, 150)
    assert row.tags == ["beta"]
    assert "stopped before it reported" in row.receipt["estimated_because"]
    assert StartedCall.objects.for_org(org.pk).count() == 0


def test_a_late_end_corrects_the_estimate_to_the_nano(org, orphan, recorder, send, drain):
    recorder.bill_orphans()
    truth = end_of(orphan, cost_nano=123_457, original_cost_nano=700_001, input_tokens=128, output_tokens=33)
    send(truth)
    drain()
    rows = LedgerEntry.objects.for_org(org.pk).order_by("id")
    assert [row.kind for row in rows] == ["estimate", "correction"]
    correction = rows[1]
    assert (correction.cost_nano, correction.input_tokens, correction.output_tokens) == (123_457 - 900_000, -2, -117)
    assert (correction.outcome, correction.receipt) == ("ok", truth.receipt)
    net = sums(rows)
    assert net == {f"{name}__sum": getattr(truth, name) for name in SUMMED}


def test_a_correction_reaches_the_rollups_without_counting_a_request(org, orphan, recorder, send, drain):
    recorder.bill_orphans()
    truth = end_of(orphan)
    send(truth)
    drain()
    for tag in ("", "beta"):
        for grain in ("h", "d"):
            rollup = UsageRollup.objects.for_org(org.pk).get(tag=tag, grain=grain)
            assert rollup.requests == 1
            assert (rollup.cost_nano, rollup.original_cost_nano) == (truth.cost_nano, truth.original_cost_nano)
            assert (rollup.latency_ms_sum, rollup.quality_count) == (truth.latency_ms, 1)


def test_a_late_end_corrects_only_once(org, orphan, recorder, send, drain):
    recorder.bill_orphans()
    truth = end_of(orphan)
    send(truth, truth)
    drain()
    send(truth, orphan)
    drain()
    recorder.bill_orphans()
    assert LedgerEntry.objects.for_org(org.pk).count() == 2
    assert StartedCall.objects.for_org(org.pk).count() == 0


def test_a_correction_stays_with_the_model_its_estimate_was_counted_under(org, orphan, recorder, send, drain):
    recorder.bill_orphans()
    send(end_of(orphan, model="claude-sonnet-5-5", provider="anthropic", cost_nano=500))
    drain()
    (rollup,) = UsageRollup.objects.for_org(org.pk).filter(grain="d", tag="")
    assert (rollup.model, rollup.provider, rollup.cost_nano) == (orphan.model, orphan.provider, 500)


def test_another_organization_cannot_correct_it(org, other_org, orphan, recorder, send, drain):
    recorder.bill_orphans()
    send(finished(other_org.pk, request_id=orphan.request_id))
    drain()
    assert LedgerEntry.objects.for_org(org.pk).get().cost_nano == 900_000
    assert LedgerEntry.objects.for_org(other_org.pk).count() == 0


def test_a_process_that_still_beats_keeps_its_long_calls(org, send, drain, recorder):
    call = started(org.pk, at=ago(600))
    GatewayProcess.objects.create(id=call.process_id, heartbeat_at=ago(3))
    send(call)
    drain()
    recorder.bill_orphans()
    assert LedgerEntry.objects.for_org(org.pk).count() == 0
    assert StartedCall.objects.for_org(org.pk).count() == 1


def test_a_call_younger_than_the_lease_is_never_billed(org, send, drain, recorder):
    send(started(org.pk, at=ago(5)))
    drain()
    recorder.bill_orphans()
    assert LedgerEntry.objects.for_org(org.pk).count() == 0


def test_a_call_of_a_process_nobody_ever_heard_of_is_billed(org, send, drain, recorder):
    send(started(org.pk, at=ago(30)))
    drain()
    recorder.bill_orphans()
    assert LedgerEntry.objects.for_org(org.pk).get().kind == "estimate"


def test_a_call_that_no_call_may_outlast_is_billed_though_its_process_lives(org, send, drain, recorder):
    call = started(org.pk, at=ago(3700))
    GatewayProcess.objects.create(id=call.process_id, heartbeat_at=ago(1))
    send(call)
    drain()
    recorder.bill_orphans()
    assert LedgerEntry.objects.for_org(org.pk).get().kind == "estimate"


def test_nothing_is_billed_while_an_old_event_waits_in_the_stream(org, orphan, recorder, client, stream_name):
    client.delete(stream_name)  # an entry older than the last one is not accepted
    client.xadd(stream_name, {b"e": door.encode(end_of(orphan))}, id=f"{int(ago(30).timestamp() * 1000)}-0")
    recorder.bill_orphans()
    assert LedgerEntry.objects.for_org(org.pk).count() == 0


def test_events_that_just_came_in_do_not_hold_the_sweep_up(org, other_org, orphan, recorder, send):
    send(finished(other_org.pk))
    recorder.bill_orphans()
    assert LedgerEntry.objects.for_org(org.pk).get().kind == "estimate"


def test_nothing_is_billed_while_an_old_event_waits_in_the_spool(org, orphan, recorder):
    spooled = SpooledEvent.objects.create(event=door.encode(end_of(orphan)))
    SpooledEvent.objects.filter(pk=spooled.pk).update(created_at=ago(30))
    recorder.bill_orphans()
    assert LedgerEntry.objects.for_org(org.pk).count() == 0


def test_a_start_left_open_beside_its_own_charge_is_closed_unbilled(org, send, drain, recorder):
    """As two recorders leave it, of which one saw the end and the other, later, the start."""
    call = started(org.pk, at=ago(90))
    GatewayProcess.objects.create(id=call.process_id, heartbeat_at=ago(1))
    send(end_of(call))
    drain()
    StartedCall.objects.create(
        request_id=ids.to_uuid(call.request_id),
        org=org,
        process_id=call.process_id,
        started_at=ids.started_at(call.request_id),
        estimate_nano=1,
        event={},
    )
    recorder.bill_orphans()
    assert StartedCall.objects.for_org(org.pk).count() == 0
    assert LedgerEntry.objects.for_org(org.pk).get().kind == "final"
