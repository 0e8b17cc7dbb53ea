"""What was kept under longer terms is not given under shorter ones."""

from __future__ import annotations

import time
from typing import Any

import pytest

from governance.models import Policy
from tests.gateway.conftest import Served, Tenant

PROMPT = "Which colour is the third of the rainbow?"


def cache_of(gateway: Served, tenant: Tenant) -> str:
    return str(gateway.chat(tenant, PROMPT, model="gpt-6-luna").headers["x-asahi-cache"])


@pytest.mark.parametrize(("before", "after"), [(None, 0), (3600, 60), (3600, 0)])
def test_a_shorter_time_to_live_holds_for_what_is_kept_already(
    gateway: Served, tenant: Tenant, before: int | None, after: int
) -> None:
    tenant.policy(cache_ttl_seconds=before)
    time.sleep(0.3)
    assert [cache_of(gateway, tenant) for _ in range(2)] == ["miss", "t1"]
    tenant.policy(cache_ttl_seconds=after)
    time.sleep(0.3)
    assert cache_of(gateway, tenant) == "miss"


@pytest.mark.parametrize("change", [{"cache_ttl_seconds": 7200}, {"requests_per_minute": 1000}])
def test_a_change_that_shortens_nothing_forgets_nothing(
    gateway: Served, tenant: Tenant, change: dict[str, Any]
) -> None:
    tenant.policy(cache_ttl_seconds=3600)
    epoch = Policy.objects.get(org=tenant.org_id).cache_epoch
    tenant.policy(**change)
    assert Policy.objects.get(org=tenant.org_id).cache_epoch == epoch
