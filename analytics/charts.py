"""Geometry of the server-rendered charts. Templates only place what is computed here; there is no chart library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from analytics.figures import Bucket

WIDTH = 1000
HEIGHT = 240
"""The drawing's own units; the page stretches it to whatever room there is."""

BAR_SHARE = Decimal("0.7")
TICKS = 4


@dataclass(frozen=True, slots=True)
class Column:
    """Two bars behind each other: the baseline's, and in front of it the actual cost's."""

    bucket: Bucket
    x: str
    width: str
    inner_x: str
    inner_width: str
    original_y: str
    original_height: str
    cost_y: str
    cost_height: str


@dataclass(frozen=True, slots=True)
class CostChart:
    """Columns and the amounts at the horizontal lines, the top one first."""

    columns: tuple[Column, ...]
    ticks_nano: tuple[int, ...]
    lines: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def is_empty(self) -> bool:
        return not any(column.bucket.sums.requests for column in self.columns)

    @property
    def labelled(self) -> tuple[Column, ...]:
        """The columns whose time is written below: the first, the middle and the last."""
        last = len(self.columns) - 1
        return tuple(self.columns[index] for index in sorted({0, last // 2, last})) if self.columns else ()


def cost_chart(buckets: Sequence[Bucket]) -> CostChart:
    """Lays out one column a bucket, scaled so that the highest fits under a round number."""
    top = _round_up(max((max(b.sums.cost_nano, b.sums.original_cost_nano) for b in buckets), default=0))
    room = Decimal(WIDTH) / max(len(buckets), 1)
    columns = tuple(_column(bucket, index, room, top) for index, bucket in enumerate(buckets))
    ticks = tuple(top * step // TICKS for step in range(TICKS, -1, -1))
    lines = tuple(_number(Decimal(HEIGHT) * step / TICKS) for step in range(TICKS + 1))
    return CostChart(columns, ticks, lines)


def _column(bucket: Bucket, index: int, room: Decimal, top: int) -> Column:
    width = room * BAR_SHARE
    x = room * index + (room - width) / 2
    original = Decimal(HEIGHT) * max(bucket.sums.original_cost_nano, 0) / top
    cost = Decimal(HEIGHT) * max(bucket.sums.cost_nano, 0) / top
    inset = width / 6
    return Column(
        bucket=bucket,
        x=_number(x),
        width=_number(width),
        inner_x=_number(x + inset),
        inner_width=_number(width - 2 * inset),
        original_y=_number(HEIGHT - original),
        original_height=_number(original),
        cost_y=_number(HEIGHT - cost),
        cost_height=_number(cost),
    )


def _round_up(nano: int) -> int:
    """The next of 1, 2, 4 or 8 times a power of ten, so that a quarter of it is a round number too."""
    scale: int = 10 ** max(len(str(nano)) - 1, 3)
    return next(step * scale for step in (1, 2, 4, 8, 10) if step * scale >= nano)


def _number(value: Decimal) -> str:
    """A coordinate, always with a point: a locale's comma would break the drawing."""
    return f"{value:.2f}"
