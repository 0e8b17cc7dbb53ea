"""The ranges a dashboard offers, each a whole number of buckets that ends with the one in progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Grain = Literal["hour", "day"]


@dataclass(frozen=True, slots=True)
class Period:
    """A range by name: how many buckets of which grain it spans."""

    slug: str
    label: str
    grain: Grain
    buckets: int

    @property
    def step(self) -> timedelta:
        return timedelta(hours=1) if self.grain == "hour" else timedelta(days=1)

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """From when until when, on whole buckets in UTC, as the rollups are; the last bucket holds `now`."""
        last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if self.grain == "day":
            last = last.replace(hour=0)
        until = last + self.step
        return until - self.step * self.buckets, until


PERIODS = (
    Period("24h", "24 hours", "hour", 24),
    Period("7d", "7 days", "day", 7),
    Period("30d", "30 days", "day", 30),
)


def period_named(slug: str | None) -> Period:
    """The period of this name; anything unknown is the shortest."""
    return next((period for period in PERIODS if period.slug == slug), PERIODS[0])
