"""For any history of events, in any order and repetition, the rollups are the sums of the ledger, exactly."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import ledger
from analytics.domain import Event
from analytics.models import LedgerEntry, UsageRollup
from analytics.rollups import NO_KEY
from governance.models import Organization
from tests.analytics.happenings import end_of, finished, started

pytestmark = pytest.mark.django_db

SUMS = ("input_tokens", "cached_input_tokens", "output_tokens", "tokens_saved", "cost_nano", "original_cost_nano",
        "own_spend_nano")  # fmt: skip
KEYS = ("", "0b1a7a52-6a3c-4a3f-9c37-3d1f6f0b9a01", "0b1a7a52-6a3c-4a3f-9c37-3d1f6f0b9a02")
ORGS = ("5f0e2a10-0000-4000-8000-000000000001", "5f0e2a10-0000-4000-8000-000000000002")

moments = st.integers(0, 72 * 60 * 60 * 1000).map(
    lambda ms: datetime(2026, 2, 27, 22, 30, tzinfo=UTC) + timedelta(milliseconds=ms)
)
dimensions = {
    "org_id": st.sampled_from(ORGS),
    "at": moments,
    "key_id": st.sampled_from(KEYS),
    "model": st.sampled_from(("gpt-6.1-sol", "claude-haiku-5-5")),
    "provider": st.sampled_from(("openai", "anthropic")),
    "task": st.sampled_from(("", "code")),
    "tags": st.lists(st.sampled_from(("a", "b", "c")), unique=True).map(tuple),
}
amounts = {
    "cost_nano": st.integers(0, 10**15),
    "original_cost_nano": st.integers(0, 10**15),
    "own_spend_nano": st.integers(0, 10**6),
    "input_tokens": st.integers(0, 10**6),
    "output_tokens": st.integers(0, 10**6),
    "latency_ms": st.integers(0, 10**6),
    "quality": st.none() | st.sampled_from((0.5, 0.75, 1.0)),
    "outcome": st.sampled_from(("ok", "provider_error", "client_disconnect")),
}


@st.composite
def endings(draw: st.DrawFn) -> list[tuple[str, Event]]:
    """One request's life: it just ends, or it is billed as an orphan and perhaps ends later."""
    told = {name: draw(strategy) for name, strategy in dimensions.items()}
    truth = {name: draw(strategy) for name, strategy in amounts.items()}
    if draw(st.booleans()):
        return [("record", finished(tier=draw(st.integers(0, 3)), **told, **truth))]
    call = started(estimate_nano=draw(st.integers(0, 10**12)), **told)
    return [("orphan", call), *([("record", end_of(call, **truth))] if draw(st.booleans()) else [])]


histories = st.lists(endings(), min_size=1, max_size=8).map(lambda lives: [step for life in lives for step in life])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, repeated=st.integers(0, 3), shuffled=st.randoms(use_true_random=False))
def test_rollups_equal_the_ledger(db, history, repeated, shuffled):
    steps = history + history[:repeated]
    shuffled.shuffle(steps)
    with transaction.atomic():
        for org_id in ORGS:
            Organization.objects.create(id=org_id, name="An organization")
        for action, event in steps:
            if action == "record":
                ledger.record([event])
            else:
                ledger.charge([ledger.estimate_row(event, receipt={})])
        assert _rolled_up() == _added_up()
        assert LedgerEntry.objects.filter(org_id__in=ORGS).exclude(kind="correction").count() == len(
            {event.request_id for _, event in steps}
        )
        transaction.set_rollback(True)


def _added_up() -> dict[tuple, dict[str, float]]:
    """The rollups as they should be, from nothing but the ledger's rows."""
    totals: defaultdict[tuple, defaultdict[str, float]] = defaultdict(lambda: defaultdict(int))
    for row in LedgerEntry.objects.filter(org_id__in=ORGS):
        hour = row.started_at.replace(minute=0, second=0, microsecond=0)
        for grain, bucket in (("h", hour), ("d", hour.replace(hour=0))):
            for tag in ("", *row.tags):
                sums = totals[
                    row.org_id, grain, bucket, row.model, row.key_id or NO_KEY, tag, row.tier, row.provider, row.task,
                    row.routing_mode,
                ]  # fmt: skip
                for name in SUMS:
                    sums[name] += getattr(row, name)
                sums["requests"] += row.kind != "correction"
                sums["errors"] += row.outcome == "provider_error"
                sums["latency_ms_sum"] += row.latency_ms
                sums["quality_sum"] += row.quality or 0
                sums["quality_count"] += row.quality is not None
    return {key: dict(sums) for key, sums in totals.items()}


def _rolled_up() -> dict[tuple, dict[str, float]]:
    names = (*SUMS, "requests", "errors", "latency_ms_sum", "quality_sum", "quality_count")
    return {
        (
            row.org_id, row.grain, row.bucket_at, row.model, row.key_id, row.tag, row.tier, row.provider, row.task,
            row.routing_mode,
        ): {name: getattr(row, name) for name in names}
        for row in UsageRollup.objects.filter(org_id__in=ORGS)
    }  # fmt: skip


def test_a_request_with_tags_is_counted_once_without_and_once_under_each(org):
    with transaction.atomic():
        ledger.record([finished(org.pk, tags=("a", "b"))])
    by_tag = {row.tag: row.requests for row in UsageRollup.objects.for_org(org.pk).filter(grain="d")}
    assert by_tag == {"": 1, "a": 1, "b": 1}


def test_buckets_are_hours_and_days_of_utc_whatever_the_database_session_thinks(org):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'Asia/Kolkata'")
        ledger.record([finished(org.pk, at=datetime(2026, 11, 20, 23, 59, 59, 999000, tzinfo=UTC))])
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
    buckets = {row.grain: row.bucket_at for row in UsageRollup.objects.for_org(org.pk)}
    assert buckets == {"h": datetime(2026, 11, 20, 23, tzinfo=UTC), "d": datetime(2026, 11, 20, tzinfo=UTC)}
