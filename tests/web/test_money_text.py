"""Amounts as people read them."""

from __future__ import annotations

import pytest

from analytics.money import percent_text, usd_text
from analytics.templatetags.figures import duration
from billing.plans import group_as_in_india


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (123_456, "$0.000123"),
        (999_999, "$0.001000"),
        (2_340_000, "$0.00234"),
        (50_000_000, "$0.0500"),
        (450_000_000, "$0.450"),
        (999_999_999, "$1.000"),
        (1_000_000_000, "$1.00"),
        (1_234_565_000_000, "$1,234.56"),
        (7_654_321_000_000_000, "$7,654,321.00"),
        (-20_000_000, "−$0.0200"),
    ],
)
def test_an_amount_has_the_digits_it_deserves(nano, text):
    assert usd_text(nano) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.254386, "25.4 %"), (1, "100.0 %"), (0, "0.0 %"), (-0.051, "−5.1 %"), (None, "–")]
)
def test_a_share_is_told_in_per_cent_and_that_of_nothing_as_a_dash(share, text):
    assert percent_text(share) == text


@pytest.mark.parametrize(("ms", "text"), [(0, "< 1 ms"), (3, "3 ms"), (9_999, "9,999 ms"), (12_345, "12.3 s")])
def test_a_latency_turns_to_seconds_when_it_is_long(ms, text):
    assert duration(ms) == text


@pytest.mark.parametrize(
    ("number", "text"), [(5, "5"), (15_000, "15,000"), (200_000, "2,00,000"), (12_345_678, "1,23,45,678")]
)
def test_rupees_are_grouped_by_three_and_then_by_two(number, text):
    assert group_as_in_india(number) == text
