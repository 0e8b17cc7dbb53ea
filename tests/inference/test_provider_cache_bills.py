"""What a provider's cache saved because of our marks stands in the bill by itself, by the provider's own figures."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from inference.bills import PROVIDER_CACHE, Bill, make_bill
from inference.domain import Cut, Model, Order, Plan, PrefixMarks, RoutingMode, Usage
from inference.endings import Ending
from tests.inference.workflow_orders import BOOK, DOCUMENT, HAIKU, LUNA, MINI, SONNET, about, order

READ, WRITTEN = Usage(14_000, 300, cached_input_tokens=13_900), Usage(14_000, 300, cache_write_tokens=13_900)
PLAIN = Usage(14_000, 300)


def billed(usage: Usage, *, paid: Model = SONNET, baseline: Model = SONNET, marked: bool = True) -> Bill:
    asked: Order = order(about(DOCUMENT, "Who?"), candidates=(baseline,))
    if marked:
        asked = replace(asked, marks=PrefixMarks({paid.id: (Cut(0, 9),)}, "key"))
    plan = Plan(paid, RoutingMode.AUTOPILOT, "why")
    return make_bill(BOOK, asked, Ending.of_call(plan, paid, usage, simulated=False))


def test_what_was_read_from_the_cache_is_what_the_marks_saved() -> None:
    bill = billed(READ)
    assert bill.cost.original_nano == BOOK.price(SONNET, PLAIN)
    assert dict(bill.parts) == {PROVIDER_CACHE: BOOK.price(SONNET, PLAIN) - BOOK.price(SONNET, READ)}


def test_what_was_written_to_it_is_what_they_cost() -> None:
    assert dict(billed(WRITTEN).parts)[PROVIDER_CACHE] < 0


def test_nothing_is_claimed_for_marks_that_are_not_ours() -> None:
    bill = billed(READ, marked=False)
    assert bill.parts == ()
    assert bill.cost.original_nano == bill.cost.cost_nano


def test_nothing_is_claimed_where_the_provider_did_not_use_its_cache() -> None:
    assert billed(PLAIN).parts == ()


def test_nothing_is_claimed_where_the_provider_caches_by_itself() -> None:
    for paid in (LUNA, MINI):
        assert billed(READ, paid=paid, baseline=paid).parts == ()
    assert PROVIDER_CACHE not in dict(billed(READ, paid=SONNET, baseline=LUNA).parts)


@given(st.integers(0, 20_000), st.integers(0, 20_000), st.integers(0, 20_000), st.booleans())
def test_the_parts_add_up_to_what_was_saved(plain: int, cached: int, written: int, routed: bool) -> None:
    usage = Usage(plain + cached + written, 10, cached, written)
    bill = billed(usage, paid=HAIKU if routed else SONNET)
    assert sum(nano for _, nano in bill.parts) == bill.cost.original_nano - bill.cost.cost_nano
