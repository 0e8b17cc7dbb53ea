"""A receipt's line items and savings always add up to its amounts, whatever rows the ledger has of a request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from analytics import ledger
from analytics.receipt_lines import line_items
from tests.analytics.happenings import cache_hit, end_of, finished, started

LINES = [["input", 100, 1_000_000_000], ["cached_input", 20, 100_000_000], ["output", 24, 5_000_000_000]]
ORIGINAL = [["input", 120, 2_000_000_000], ["output", 24, 10_000_000_000]]
COST, ORIGINAL_COST = 222_000, 480_000
BILL = {
    "at_ms": 1_795_000_000_123,
    "service": "flex",
    "lines": LINES,
    "original_lines": ORIGINAL,
    "original_service": "",
    "parts": [["routing", 258_000]],
}


def billed(**changes: Any) -> dict[str, Any]:
    return {
        "cost_nano": COST, "original_cost_nano": ORIGINAL_COST, "own_spend_nano": 0, "receipt": {"bill": BILL},
        **changes,
    }  # fmt: skip


def receipt_of(caller: Any, request_id: str) -> dict[str, Any]:
    answer = caller.get(f"/v1/receipts/{request_id}")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def adds_up(receipt: dict[str, Any]) -> bool:
    def total(items: str) -> Decimal:
        return sum((Decimal(item["amount_exact"]) for item in receipt[items]), Decimal(0))

    spent = Decimal(receipt["own_spend_exact"])
    return (
        total("line_items") == Decimal(receipt["cost_exact"])
        and total("line_items_original") == Decimal(receipt["cost_original_exact"])
        and total("savings_by_technique") - spent == Decimal(receipt["cost_savings_exact"])
    )


@pytest.mark.django_db
def test_a_receipt_shows_so_much_of_each_kind_at_its_rate(caller, record):
    event = finished(caller.org.pk, **billed())
    record(event)
    receipt = receipt_of(caller, event.request_id)
    assert adds_up(receipt)
    assert receipt["line_items"][1] == {
        "item": "cached_input",
        "count": 20,
        "unit": "token",
        "rate_exact": "0.1",
        "rate_per": 1_000_000,
        "amount": 0.000002,
        "amount_exact": "0.000002000000000",
    }
    assert [item["item"] for item in receipt["line_items_original"]] == ["input", "output"]
    assert (receipt["service_tier"], receipt["service_tier_original"]) == ("flex", "standard")
    assert receipt["priced_at"].startswith("2026-11-18T")
    assert receipt["savings_by_technique"] == [
        {"technique": "routing", "amount": 0.000258, "amount_exact": "0.000258000"}
    ]


@pytest.mark.django_db
def test_own_spend_is_taken_off_what_the_techniques_saved(caller, record):
    event = finished(caller.org.pk, **billed(own_spend_nano=58_000))
    record(event)
    receipt = receipt_of(caller, event.request_id)
    assert adds_up(receipt)
    assert receipt["cost_savings_exact"] == "0.000200000"


@pytest.mark.django_db
def test_a_cache_hit_has_no_items_but_those_of_its_original_cost(caller, record):
    bill = {**BILL, "lines": [], "parts": [["cache_t1", ORIGINAL_COST]]}
    event = cache_hit(caller.org.pk, **billed(cost_nano=0, receipt={"bill": bill}))
    record(event)
    receipt = receipt_of(caller, event.request_id)
    assert adds_up(receipt)
    assert receipt["line_items"] == []
    assert len(receipt["line_items_original"]) == 2


@pytest.mark.django_db
def test_an_estimate_is_one_item_and_a_correction_brings_the_real_ones(caller, record):
    call = started(caller.org.pk)
    with transaction.atomic():
        ledger.charge([ledger.estimate_row(call, receipt={"estimated_because": "it stopped"})])
    estimated = receipt_of(caller, call.request_id)
    assert adds_up(estimated)
    assert [(item["item"], item["amount_exact"]) for item in estimated["line_items"]] == [
        ("estimate", "0.000900000000000")
    ]
    assert (estimated["priced_at"], estimated["savings_by_technique"]) == (None, [])

    record(end_of(call, **billed()))
    corrected = receipt_of(caller, call.request_id)
    assert corrected["status"] == "corrected"
    assert adds_up(corrected)
    assert [item["item"] for item in corrected["line_items"]] == ["input", "cached_input", "output"]


@pytest.mark.django_db
def test_a_row_without_a_bill_adds_up_too(caller, record):
    event = finished(caller.org.pk)
    record(event)
    receipt = receipt_of(caller, event.request_id)
    assert adds_up(receipt)
    assert [item["item"] for item in receipt["line_items"]] == ["adjustment"]
    assert [part["technique"] for part in receipt["savings_by_technique"]] == ["unattributed"]


@pytest.mark.parametrize(("total", "rounding"), [(38, "0.5E-9"), (37, "-0.5E-9")])
def test_the_rounding_of_a_sum_is_an_item_of_its_own(total: int, rounding: str) -> None:
    items = line_items([("input", 1, 37_500_000)], total, "final")
    assert [(item.item, item.amount) for item in items] == [
        ("input", Decimal("37.5E-9")),
        ("rounding", Decimal(rounding)),
    ]


def test_a_search_is_charged_per_thousand() -> None:
    (item,) = line_items([("web_search", 3, 10_000_000_000_000)], 30_000_000, "final")
    assert (item.unit, item.rate, item.per, item.amount) == ("search", Decimal(10), 1_000, Decimal("0.03"))
