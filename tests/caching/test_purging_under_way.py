"""A purge while a call is under way: what the call brings does not stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from analytics.models import StartedCall
from caching import purging
from caching.models import SemanticAnswer
from caching.purging import Kind, PurgeRefused, purge
from governance import outbox
from governance.models import OutboxMessage
from tests.caching.keeping import exact_entries
from tests.gateway.conftest import Served, Simulator, Tenant

MODEL = "gpt-6-luna"
QUESTION = "How do I change the address of an account that I share?"


@pytest.fixture
def entries() -> Any:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture
def slow(simulator: Simulator) -> Iterator[Simulator]:
    simulator.record(MODEL, QUESTION, "Open the settings and choose Address.")
    simulator.faults(latency_ms=1500)
    yield simulator
    simulator.faults(latency_ms=0)


def ask(gateway: Served, tenant: Tenant) -> str:
    answer = gateway.http.post(
        "/v1/chat/completions",
        json={"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]},
        headers={**tenant.headers, "x-asahi-user": "user-7", "x-asahi-tags": "nightly"},
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["x-asahi-cache"]


def comes_true(what: QuerySet[Any]) -> None:
    deadline = time.monotonic() + 10
    while not what.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("kind", "name"), [(Kind.USER, "user-7"), (Kind.TAG, "nightly")])
def test_what_it_brings_is_swept_away_and_the_next_request_is_a_miss(
    gateway: Served, tenant: Tenant, slow: Simulator, entries: redis.Redis, kind: Kind, name: str
) -> None:
    with ThreadPoolExecutor(1) as thread:
        under_way = thread.submit(ask, gateway, tenant)
        comes_true(StartedCall.objects.for_org(tenant.org_id))
        purged = purge(org_id=tenant.org_id, kind=kind, name=name)
        assert not isinstance(purged, PurgeRefused)
        assert (purged.counts["t1"], purged.counts["t2"]) == (0, 0)
        assert under_way.result() == "miss"
    comes_true(SemanticAnswer.objects.for_org(tenant.org_id))
    slow.faults(latency_ms=0)
    assert len(exact_entries(entries, tenant.org_id)) == 1

    OutboxMessage.objects.filter(topic=purging.SWEEP, done_at=None).update(due_at=timezone.now())
    outbox.drain()

    assert exact_entries(entries, tenant.org_id) == set()
    assert not SemanticAnswer.objects.for_org(tenant.org_id).exists()
    assert ask(gateway, tenant) == "miss"


def test_a_new_epoch_makes_it_unreachable_at_once(gateway: Served, tenant: Tenant, slow: Simulator) -> None:
    with ThreadPoolExecutor(1) as thread:
        under_way = thread.submit(ask, gateway, tenant)
        comes_true(StartedCall.objects.for_org(tenant.org_id))
        purge(org_id=tenant.org_id, kind=Kind.EVERYTHING)
        assert under_way.result() == "miss"
    comes_true(SemanticAnswer.objects.for_org(tenant.org_id))
    slow.faults(latency_ms=0)
    assert ask(gateway, tenant) == "miss"
    assert ask(gateway, tenant) == "t1"
