"""The geometry of the cost chart, and the buckets it is drawn from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from analytics.charts import HEIGHT, WIDTH, cost_chart
from analytics.figures import Bucket, Sums
from analytics.periods import PERIODS, period_named

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def bucket(hour: int, cost: int, original: int) -> Bucket:
    return Bucket(NOON + timedelta(hours=hour), Sums(requests=1, cost_nano=cost, original_cost_nano=original))


def test_the_highest_bar_fits_under_a_round_number_and_the_others_keep_their_proportion():
    chart = cost_chart([bucket(0, 1_000_000, 3_000_000), bucket(1, 500_000, 1_500_000)])
    first, second = chart.columns
    assert chart.ticks_nano == (4_000_000, 3_000_000, 2_000_000, 1_000_000, 0)
    assert float(first.original_height) == HEIGHT * 3 / 4
    assert float(first.original_height) == 2 * float(second.original_height) == 3 * float(first.cost_height)
    assert float(first.cost_y) + float(first.cost_height) == HEIGHT


@pytest.mark.parametrize("count", [1, 7, 24, 30])
def test_the_columns_share_the_width_and_do_not_overlap(count):
    columns = cost_chart([bucket(hour, 1, 2) for hour in range(count)]).columns
    ends = [float(column.x) + float(column.width) for column in columns]
    assert all(end < float(after.x) for end, after in zip(ends, columns[1:], strict=False))
    assert 0 <= float(columns[0].x) < ends[-1] <= WIDTH


def test_a_cost_above_the_original_is_drawn_as_it_is():
    (column,) = cost_chart([bucket(0, 2_000_000, 1_000_000)]).columns
    assert float(column.cost_height) == 2 * float(column.original_height)


@pytest.mark.parametrize("buckets", [[], [Bucket(NOON, Sums())]])
def test_a_range_without_requests_is_an_empty_chart(buckets):
    assert cost_chart(buckets).is_empty


@pytest.mark.parametrize("period", PERIODS)
def test_a_period_ends_with_the_bucket_in_progress_and_spans_whole_ones(period):
    now = datetime(2026, 11, 20, 23, 59, 59, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    since, until = period.bounds(now)
    assert until - since == period.step * period.buckets
    assert until - period.step <= now < until
    assert (since.minute, since.utcoffset()) == (0, timedelta(0))


def test_an_unknown_period_is_the_shortest():
    assert period_named("forever") is period_named(None) is PERIODS[0]
