"""The ledger equals what the provider counted, over mixed calls with faults and clients that leave."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.db.models import Sum

from analytics.models import LedgerEntry, StartedCall, UsageRollup
from asahi_site import runtime
from inference import catalog
from inference.providers.upstream import Patience
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.mixed_load import plan, send_all
from tests.gateway.reconciliation import reconcile

# A longer run: RECONCILED_CALLS=5000 pytest tests/gateway/test_ledger_reconciliation.py
CALLS = int(os.environ.get("RECONCILED_CALLS", "300"))
SEED = int(os.environ.get("RECONCILED_SEED", "1"))
CONCURRENCY = 16
FAULTS = [
    {"kind": "error", "status": 500, "rate": 0.012},
    {"kind": "error", "status": 429, "retry_after": 0.02, "rate": 0.012},
    {"kind": "error", "status": 529, "rate": 0.008},
    {"kind": "cut", "rate": 0.015},
    {"kind": "no_end", "rate": 0.008},
    {"kind": "garbage", "rate": 0.006},
    {"kind": "html", "rate": 0.004},
    {"kind": "error_event", "status": 529, "rate": 0.01},
    {"kind": "garbage_event", "rate": 0.005},
    {"kind": "wrong_shape", "rate": 0.005},
    {"kind": "bad_usage", "usage": "negative", "rate": 0.004},
    {"kind": "bad_usage", "usage": "missing", "rate": 0.004},
    {"kind": "bad_usage", "usage": "duplicated", "rate": 0.004},
    {"kind": "hang_after_chunks", "rate": 0.004},
    {"kind": "hang", "rate": 0.003},
]


@pytest.fixture
def impatient(gateway: Served) -> Iterator[None]:
    """A provider that says nothing for two seconds is given up."""
    targets, quick = runtime.current().targets._targets, Patience(5.0, 2.0, 2.0)
    before = dict(targets)
    for name in before:
        targets[name] = {wire: replace(target, patience=quick) for wire, target in targets[name].items()}
    yield
    targets.update(before)
    for model in catalog.registry().models:
        runtime.current().breakers.succeeded(model.id)


def settled(tenants: list[Tenant], simulator: Simulator) -> list[LedgerEntry]:
    """The ledger, once nothing is open and nothing has changed for two seconds."""
    orgs = [tenant.org_id for tenant in tenants]
    before, since, deadline = (-1, -1), time.monotonic(), time.monotonic() + 60
    while time.monotonic() < deadline:
        entries = [entry for org in orgs for entry in LedgerEntry.objects.for_org(org)]
        now = (len(entries), len(simulator.calls()))
        open_calls = sum(StartedCall.objects.for_org(org).count() for org in orgs)
        if now != before or open_calls:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > 2:
            return entries
        time.sleep(0.3)
    raise AssertionError("the ledger does not settle")


def nano_in_rollups(tenants: list[Tenant]) -> int:
    """What the pages add up."""
    return sum(
        UsageRollup.objects.for_org(tenant.org_id).filter(grain="h", tag="").aggregate(sum=Sum("cost_nano"))["sum"]
        for tenant in tenants
    )


@pytest.mark.timeout(1800)
def test_the_ledger_equals_what_the_provider_counted(
    gateway: Served,
    make_tenant: Callable[..., Tenant],
    simulator: Simulator,
    impatient: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tenants = [make_tenant() for _ in range(4)]
    calls = plan(CALLS, tenants=len(tenants), seed=SEED)
    simulator.faults(chunk_ms=2, rules=FAULTS)
    began = time.monotonic()
    sent = asyncio.run(send_all(gateway.url, tenants, calls, concurrency=CONCURRENCY))
    took = time.monotonic() - began
    entries = settled(tenants, simulator)
    result = reconcile(entries, simulator.calls(), sent)
    with capsys.disabled():
        left = sum(one.left for one in sent)
        print(f"\n{len(sent)} calls in {took:.0f} s, {left} left by the client, {len(entries)} rows\n{result}")  # noqa: T201 - what was found is the point of it
    assert not result.problems
    assert len(entries) > 0.95 * len(sent), "who leaves before being let in is not recorded; everyone else is"
    assert sum(one.left for one in sent) > len(sent) / 20
    assert sum(result.faults.values()) - result.faults["none"] > len(sent) / 20
    assert nano_in_rollups(tenants) == sum(entry.cost_nano for entry in entries)
