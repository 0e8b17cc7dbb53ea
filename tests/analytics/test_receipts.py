"""A receipt shows what one request cost and why, to the nano-USD, and only to its own organization."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from analytics import ids, ledger
from governance.domain import Scope
from tests.analytics.happenings import cache_hit, end_of, finished, started

pytestmark = pytest.mark.django_db


def receipt_of(caller, request_id: str) -> dict:
    answer = caller.get(f"/v1/receipts/{request_id}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_receipt_says_what_it_cost_what_it_would_have_cost_and_why(caller, record):
    event = finished(caller.org.pk, at=datetime(2026, 11, 20, 14, 0, 0, 123000, tzinfo=UTC), tags=("beta",))
    record(event)
    receipt = receipt_of(caller, event.request_id)
    assert receipt["request_id"] == event.request_id
    assert receipt["status"] == "final"
    assert receipt["timestamp"] == "2026-11-20T14:00:00.123Z"
    assert (receipt["cost"], receipt["cost_exact"]) == (0.00022, "0.000220000")
    assert (receipt["cost_original"], receipt["cost_original_exact"]) == (0.00048, "0.000480000")
    assert (receipt["own_spend"], receipt["own_spend_exact"]) == (0.00001, "0.000010000")
    assert (receipt["cost_savings"], receipt["cost_savings_exact"]) == (0.00025, "0.000250000")
    assert receipt["cost_savings_percent"] == 52.0833
    assert receipt["routing_reason"] == "the cheapest model that meets the bar"
    assert (receipt["model_requested"], receipt["model_used"]) == ("gpt-6.1-sol", "gpt-6.1-terra")
    assert receipt["baseline_model"] == "gpt-6.1-sol"
    assert receipt["tokens"] == {"input": 120, "cached_input": 20, "cache_write": 0, "output": 40, "reasoning": 8}
    assert (receipt["price_version"], receipt["tags"], receipt["task"]) == ("2026-11", ["beta"], "classification")
    (row,) = receipt["rows"]
    assert (row["kind"], row["cost_exact"], row["details"]) == ("final", "0.000220000", event.receipt)


def test_the_smallest_and_the_largest_amount_are_exact(caller, record):
    small, large = finished(caller.org.pk, cost_nano=1), finished(caller.org.pk, cost_nano=123_456_789_012_345_678)
    record(small, large)
    assert receipt_of(caller, small.request_id)["cost_exact"] == "0.000000001"
    assert receipt_of(caller, large.request_id)["cost_exact"] == "123456789.012345678"


def test_a_cache_hit_shows_its_tier(caller, record):
    event = cache_hit(caller.org.pk, tier=2)
    record(event)
    receipt = receipt_of(caller, event.request_id)
    assert (receipt["cache_hit"], receipt["cache_tier"], receipt["cost"]) == (True, 2, 0)


def test_a_corrected_receipt_shows_each_row_and_nets_to_the_truth(caller, record):
    call = started(caller.org.pk)
    with transaction.atomic():
        ledger.charge([ledger.estimate_row(call, receipt={"estimated_because": "it stopped"})])
    estimated = receipt_of(caller, call.request_id)
    assert (estimated["status"], estimated["usage_estimated"]) == ("estimated", True)
    assert (estimated["cost_exact"], estimated["cost_savings_exact"]) == ("0.000900000", "0.000000000")

    truth = end_of(call, latency_ms=800)
    record(truth)
    receipt = receipt_of(caller, call.request_id)
    assert (receipt["status"], receipt["usage_estimated"], receipt["outcome"]) == ("corrected", False, "ok")
    assert (receipt["cost_exact"], receipt["cost_original_exact"]) == ("0.000220000", "0.000480000")
    assert receipt["tokens"]["input"] == 120
    assert (receipt["latency_ms"], receipt["tokens_saved"]) == (800, 15)
    assert [(row["kind"], row["cost_exact"]) for row in receipt["rows"]] == [
        ("estimate", "0.000900000"),
        ("correction", "-0.000680000"),
    ]
    for amount in ("cost", "cost_original", "own_spend", "cost_savings"):
        rows = sum(Decimal(row[f"{amount}_exact"]) for row in receipt["rows"])
        assert rows == Decimal(receipt[f"{amount}_exact"])


def test_a_call_still_running_says_so(caller, record):
    call = started(caller.org.pk)
    record(call)
    assert receipt_of(caller, call.request_id) == {
        "request_id": call.request_id,
        "status": "in_progress",
        "timestamp": ids.started_at(call.request_id).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "model_used": "gpt-6.1-terra",
        "estimate": 0.0009,
        "estimate_exact": "0.000900000",
    }


def test_another_organizations_receipt_is_not_there_recorded_or_running(caller, stranger, record):
    event, call = finished(caller.org.pk), started(caller.org.pk)
    record(event, call)
    unheard_of = stranger.get(f"/v1/receipts/{ids.new_request_id()}")
    assert unheard_of.status_code == 404
    for request_id in (event.request_id, call.request_id):
        answer = stranger.get(f"/v1/receipts/{request_id}")
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == unheard_of.json()["error"]["message"]


@pytest.mark.parametrize("nonsense", ["req_1", "1", "req_" + "g" * 32, "req_" + "0" * 32])
def test_a_receipt_of_no_request_id_is_not_there(caller, nonsense):
    assert caller.get(f"/v1/receipts/{nonsense}").status_code == 404


def test_a_receipt_not_recorded_yet_says_that_it_may_take_a_moment(caller):
    answer = caller.get(f"/v1/receipts/{ids.new_request_id()}")
    assert "a moment" in answer.json()["error"]["message"]


def test_a_receipt_needs_a_key_that_may_infer(org, make_caller, record, client_without_key):
    event = finished(org.pk)
    record(event)
    path = f"/v1/receipts/{event.request_id}"
    assert make_caller(org, Scope.INFER).get(path).status_code == 200
    assert make_caller(org, Scope.ANALYTICS).get(path).status_code == 403
    assert client_without_key.get(path).status_code == 401


def test_recent_inferences_show_the_corrected_figures_too(caller, record):
    call = started(caller.org.pk, at=timezone.now() - timedelta(hours=1))
    with transaction.atomic():
        ledger.charge([ledger.estimate_row(call, receipt={})])
    record(end_of(call))
    (recent,) = caller.get("/analytics/recent-inferences").json()
    assert (recent["cost"], recent["cost_original"], recent["outcome"]) == (0.00022, 0.00048, "ok")
