"""A bill says what was paid, what would have been paid without Asahi, and what both are the sum of; its receipt proves
it to whoever has nothing but the receipt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.models import LedgerEntry
from analytics.receipt_schemas import ReceiptOut
from analytics.receipts import Receipt
from caching.domain import CachedAnswer
from governance.domain import Principal
from inference.bills import Bill, make_bill
from inference.domain import Extras, Order, Plan, RoutingMode, Tier, Usage
from inference.endings import Ending, pack_usage, unpack_usage
from inference.pricing import PriceBook
from inference.repricing import reprice
from tests.inference.test_price_book import MODELS, SHIPPED
from tests.inference.test_price_bounds import a_call, usages

BOOK = PriceBook.load(SHIPPED)
SOL, LUNA, HAIKU = (MODELS[name] for name in ("gpt-6.1-sol", "gpt-6-luna", "claude-haiku-5-5"))
NOBODY: Any = Principal.__new__(Principal)


def an_order(baseline: Any = SOL, service: str = "", tokens_saved: int = 0) -> Order:
    return Order(
        NOBODY, a_call(service, 10_000), (LUNA, SOL), baseline, 10**9, 20_000, "key", "", tokens_saved=tokens_saved
    )  # fmt: skip


def called(model: Any, usage: Usage) -> Ending:
    plan = Plan(model, RoutingMode.AUTOPILOT, "why", fallbacks=(HAIKU,))
    return Ending.of_call(plan, model, usage, simulated=False)


def hit(usage: Usage, model: Any = LUNA, tier: Tier = Tier.T1) -> Ending:
    cached = CachedAnswer("chat", b"{}", model.id, model.provider, pack_usage(usage), 0.0, "", None, False)
    return Ending.of_hit(cached, RoutingMode.AUTOPILOT, tier, "why")


def receipt_of(bill: Bill, ending: Ending) -> ReceiptOut:
    """By way of JSON, as the ledger has it."""
    row = LedgerEntry(
        request_id=uuid4(), started_at=datetime.now(UTC), model=ending.model, baseline_model=bill.cost.baseline_model,
        tier=ending.tier.number, price_version=bill.cost.price_version,
        cost_nano=bill.cost.cost_nano, original_cost_nano=bill.cost.original_nano,
        receipt=msgspec.json.decode(msgspec.json.encode({"bill": bill.receipt(), "runners_up": ending.runners_up})),
    )  # fmt: skip
    return ReceiptOut.of(Receipt("req_1", row, None))


def recomputed(items: list[Any]) -> Decimal:
    """What a customer gets who multiplies and adds what the receipt shows, and rounds once to nine decimals."""
    counted = [item for item in items if item.count is not None]
    total = sum((Decimal(item.count) * Decimal(item.rate_exact) / item.rate_per for item in counted), Decimal(0))
    return total.quantize(Decimal("1e-9"), ROUND_HALF_UP)


endings = st.one_of(
    st.builds(called, st.sampled_from([SOL, LUNA, HAIKU]), usages()), st.builds(hit, usages(), st.just(HAIKU))
)


@settings(max_examples=200, deadline=None)
@given(ending=endings, service=st.sampled_from(["", "flex", "priority"]), saved=st.integers(0, 2_000))
def test_the_items_of_a_receipt_add_up_to_its_amounts_and_can_be_checked_by_hand(
    ending: Ending, service: str, saved: int
) -> None:
    served = replace(ending, usage=replace(ending.usage, service=service))
    bill = make_bill(BOOK, an_order(service=service, tokens_saved=saved), served)
    receipt = receipt_of(bill, served)
    pairs = ((receipt.line_items, receipt.cost_exact), (receipt.line_items_original, receipt.cost_original_exact))
    for items, amount in pairs:
        assert sum((Decimal(item.amount_exact) for item in items), Decimal(0)) == Decimal(amount)
        assert recomputed(items) == Decimal(amount)
        assert {item.item for item in items if item.count is None} <= {"rounding"}
    parts = sum((Decimal(part.amount_exact) for part in receipt.savings_by_technique), Decimal(0))
    assert parts - Decimal(receipt.own_spend_exact) == Decimal(receipt.cost_savings_exact)


@settings(max_examples=50, deadline=None)
@given(ending=endings)
def test_a_bill_recomputed_for_its_time_is_the_bill(ending: Ending) -> None:
    bill = make_bill(BOOK, an_order(), ending)
    stored = msgspec.json.decode(msgspec.json.encode(bill.receipt()))
    again = reprice(BOOK, SOL, stored, stored=bill.cost.original_nano, original=True)
    assert (again.stored, again.lines) == (again.recomputed, again.stored_lines)
    if ending.paid is not None:
        again = reprice(BOOK, ending.paid, stored, stored=bill.cost.cost_nano, original=False)
        assert (again.stored, again.lines) == (again.recomputed, again.stored_lines)


def test_a_cheaper_models_saving_is_the_routers() -> None:
    bill = make_bill(BOOK, an_order(), called(LUNA, Usage(1_000, 100)))
    assert bill.cost.cost_nano == 1_000 * 100 + 100 * 500
    assert bill.cost.original_nano == 1_000 * 2_000 + 100 * 10_000
    assert bill.parts == (("routing", bill.cost.savings_nano),)


def test_tokens_that_were_saved_are_part_of_what_it_would_have_cost() -> None:
    bill = make_bill(BOOK, an_order(tokens_saved=500), called(LUNA, Usage(1_000, 100)))
    assert bill.cost.original_nano == 1_500 * 2_000 + 100 * 10_000
    assert dict(bill.parts)["token_optimization"] == 500 * 2_000
    assert sum(nano for _, nano in bill.parts) == bill.cost.savings_nano
    same_model = make_bill(BOOK, an_order(tokens_saved=500), called(SOL, Usage(1_000, 100)))
    assert same_model.parts == (("token_optimization", 500 * 2_000),)


def test_a_model_that_was_named_saves_nothing_and_says_its_lines_once() -> None:
    bill = make_bill(BOOK, an_order(), called(SOL, Usage(1_000, 100, service="flex")))
    assert (bill.cost.savings_nano, bill.parts) == (0, ())
    assert "original_lines" not in bill.receipt()
    receipt = receipt_of(bill, called(SOL, Usage()))
    assert (receipt.service_tier, receipt.service_tier_original) == ("flex", "flex")
    assert receipt.line_items == receipt.line_items_original != []


def test_a_providers_discount_for_batches_is_no_saving_of_ours() -> None:
    """Whoever makes a batch gets it anywhere."""
    usage = Usage(1_000, 100, service="batch")
    named = make_bill(BOOK, an_order(), called(SOL, usage))
    assert named.cost.cost_nano == BOOK.price(SOL, usage, service="batch") < BOOK.price(SOL, usage)
    assert (named.cost.savings_nano, named.parts) == (0, ())
    chosen = make_bill(BOOK, an_order(), called(LUNA, usage))
    assert chosen.cost.original_nano == named.cost.cost_nano
    assert chosen.parts == (("routing", chosen.cost.savings_nano),)
    repeated = make_bill(BOOK, an_order(service="batch"), hit(Usage(1_000, 100)))
    assert repeated.cost.original_nano == named.cost.cost_nano


@pytest.mark.parametrize("asked", ["", "priority", "standard"])
def test_a_cached_answer_is_priced_as_this_call_asks_to_be_served_not_as_the_first_was(asked: str) -> None:
    bill = make_bill(BOOK, an_order(service=asked), hit(Usage(1_000, 100, service="flex"), tier=Tier.T2))
    standard = 1_000 * 2_000 + 100 * 10_000
    assert bill.cost.original_nano == (2 * standard if asked == "priority" else standard)
    assert (bill.cost.cost_nano, bill.lines, bill.parts) == (0, (), (("cache_t2", bill.cost.original_nano),))


def test_a_cached_answer_of_another_model_is_priced_at_the_model_that_was_asked_for() -> None:
    bill = make_bill(BOOK, an_order(baseline=HAIKU), hit(Usage(1_000, 100), model=SOL))
    assert bill.cost.original_nano == BOOK.price(HAIKU, Usage(1_000, 100))


def test_a_repeat_is_not_said_to_save_a_cache_write_that_it_would_not_have_made() -> None:
    bill = make_bill(BOOK, an_order(baseline=HAIKU), hit(Usage(3_000, 100, 500, 2_000, 1_000), model=HAIKU))
    assert bill.original_lines == (
        ("input", 500, 100_000_000),
        ("cached_input", 2_500, 10_000_000),
        ("output", 100, 500_000_000),
    )


def test_searches_of_a_cached_answer_are_saved_too() -> None:
    usage = Usage(1_000, 100, extras=Extras(web_searches=2))
    bill = make_bill(BOOK, an_order(baseline=HAIKU), hit(usage, model=HAIKU))
    assert ("web_search", 2, 10_000_000_000_000) in bill.original_lines


@settings(max_examples=50, deadline=None)
@given(usage=usages(), service=st.sampled_from(["", "flex"]), estimated=st.booleans())
def test_a_cache_gives_back_the_usage_it_was_given(usage: Usage, service: str, estimated: bool) -> None:
    given_usage = replace(usage, service=service, estimated=estimated)
    assert unpack_usage(pack_usage(given_usage)) == given_usage


@pytest.mark.parametrize("packed", [b"", b"\xc1", b"\x93\x01\x02\x03", msgspec.msgpack.encode({"input_tokens": "x"})])
def test_nothing_is_claimed_for_an_entry_whose_usage_cannot_be_read(packed: bytes) -> None:
    assert unpack_usage(packed) == Usage(estimated=True)


def test_a_receipt_names_the_runners_up_and_when_it_was_priced() -> None:
    ending = called(LUNA, Usage(10, 10))
    receipt = receipt_of(make_bill(BOOK, an_order(), ending), ending)
    assert receipt.runners_up == ["claude-haiku-5-5"]
    assert receipt.priced_at is not None
    assert abs((datetime.now(UTC) - receipt.priced_at).total_seconds()) < 60
