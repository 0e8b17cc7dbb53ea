"""Budgets are never overrun, and never block for money that was not spent; limits answer 429 with Retry-After."""

from __future__ import annotations

from typing import Any

import httpx
from django.conf import settings

from inference import catalog
from tests.gateway.concurrency import chat_at_once, question
from tests.gateway.conftest import Served, Simulator, Tenant


def worst_case_nano(body: dict[str, Any]) -> int:
    """What the gateway reserves for this body: its length bounds the input tokens."""
    model = catalog.registry().find(body["model"])
    assert model is not None
    length = len(httpx.Request("POST", "http://x", json=body).content)
    return catalog.price_book().bound(model, length, body["max_tokens"])


def test_50_calls_at_once_stay_within_a_budget_for_ten(gateway: Served, make_tenant: Any, simulator: Simulator) -> None:
    simulator.faults(latency_ms=2500)
    bodies = [question(f"Question number {number:02}") for number in range(50)]
    budget = 10 * worst_case_nano(bodies[0])
    tenant: Tenant = make_tenant(daily_budget_nano=budget)
    answers = chat_at_once(gateway, tenant, bodies)
    served = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(served) + len(refused) == 50
    assert len(served) == 10, "ten worst cases fit, and all of them are reserved at the same time"
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert refused[0].json()["error"]["code"] == "budget_exceeded"
    assert sum(entry.cost_nano for entry in tenant.ledger(10)) <= budget

    tenant.policy(daily_budget_nano=100 * budget)
    again = chat_at_once(gateway, tenant, bodies)
    assert {answer.status_code for answer in again} == {200}


def test_what_was_reserved_and_not_spent_is_given_back(gateway: Served, make_tenant: Any) -> None:
    body = question("Reserve, settle, repeat", max_tokens=4000)
    tenant: Tenant = make_tenant(daily_budget_nano=worst_case_nano(body) + 1_000_000)
    for number in range(12):
        answer = chat_at_once(gateway, tenant, [question(f"Reserve, settle {number}", max_tokens=4000)])[0]
        assert answer.status_code == 200, answer.text


def test_a_failed_call_gives_its_reservation_back(gateway: Served, make_tenant: Any, simulator: Simulator) -> None:
    body = question("This one fails")
    tenant: Tenant = make_tenant(daily_budget_nano=worst_case_nano(body) + 100)
    simulator.faults(error_rate=1.0, error_status=500)
    assert chat_at_once(gateway, tenant, [body])[0].status_code == 503
    simulator.faults(error_rate=0.0)
    assert chat_at_once(gateway, tenant, [body])[0].status_code == 200


def test_a_cache_hit_is_served_although_the_budget_is_spent(gateway: Served, make_tenant: Any) -> None:
    body = question("Ask me twice")
    tenant: Tenant = make_tenant(monthly_budget_nano=worst_case_nano(body))
    assert chat_at_once(gateway, tenant, [body])[0].status_code == 200
    tenant.policy(monthly_budget_nano=1)
    assert chat_at_once(gateway, tenant, [body])[0].headers["x-asahi-cache"] == "t1"
    assert chat_at_once(gateway, tenant, [question("Ask me something new")])[0].status_code == 429


def test_a_budget_is_primed_from_the_ledger_after_redis_lost_everything(gateway: Served, make_tenant: Any) -> None:
    import redis

    tenant: Tenant = make_tenant(daily_budget_nano=10**9)
    chat_at_once(gateway, tenant, [question("Spend something first")])
    spent = tenant.ledger(1)[0].cost_nano
    client = redis.Redis.from_url(settings.REDIS_URL)
    keys = list(client.scan_iter(f"asahi:gov:{{{tenant.org_id}}}:*"))
    assert keys
    client.delete(*keys)
    tenant.policy(daily_budget_nano=spent)
    assert chat_at_once(gateway, tenant, [question("Now the budget is used up")])[0].status_code == 429
    client.close()


def test_requests_per_minute_are_limited(gateway: Served, make_tenant: Any) -> None:
    tenant: Tenant = make_tenant(requests_per_minute=5)
    answers = chat_at_once(gateway, tenant, [question(f"Limited {number}") for number in range(8)])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 5 + [429] * 3
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"]["type"] == "rate_limit_error"


def test_calls_at_the_same_time_are_limited(gateway: Served, make_tenant: Any, simulator: Simulator) -> None:
    simulator.faults(latency_ms=500)
    tenant: Tenant = make_tenant(max_concurrency=3)
    answers = chat_at_once(gateway, tenant, [question(f"At once {number}") for number in range(6)])
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 3
    simulator.faults(latency_ms=0)
    assert chat_at_once(gateway, tenant, [question("Afterwards")])[0].status_code == 200


def test_tokens_per_minute_count_what_was_used_once_it_is_known(gateway: Served, make_tenant: Any) -> None:
    tenant: Tenant = make_tenant(tokens_per_minute=1000)
    for number in range(6):
        answer = chat_at_once(gateway, tenant, [question(f"Token {number}", max_tokens=400)])[0]
        assert answer.status_code == 200, f"call {number}: {answer.text}"
    refused = chat_at_once(gateway, tenant, [question("Too much by now", max_tokens=850)])[0]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


def test_a_request_larger_than_the_limit_is_not_told_to_wait(gateway: Served, make_tenant: Any) -> None:
    tenant: Tenant = make_tenant(tokens_per_minute=1000)
    refused = chat_at_once(gateway, tenant, [question("Too much at any time", max_tokens=2000)])[0]
    assert refused.status_code == 403
    assert "this request alone" in refused.json()["error"]["message"]
    assert "retry-after" not in refused.headers


def test_a_call_above_the_cost_cap_is_forbidden(gateway: Served, make_tenant: Any, simulator: Simulator) -> None:
    tenant: Tenant = make_tenant(request_cost_cap_nano=1_000)
    answer = chat_at_once(gateway, tenant, [question("Too dear", model="gpt-6-astra", max_tokens=4000)])[0]
    assert answer.status_code == 403
    assert "cost cap" in answer.json()["error"]["message"]
    assert simulator.calls() == []
