"""The plans on offer. A monthly price, and how many requests it includes; the trial comes before any of them."""

from __future__ import annotations

from dataclasses import dataclass

TRIAL_DAYS = 14


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan. The price is in paise a month; `included_requests` is None when requests are unlimited."""

    slug: str
    name: str
    price_paise: int
    included_requests: int | None
    summary: str

    @property
    def price_rupees(self) -> int:
        return self.price_paise // 100

    @property
    def price_text(self) -> str:
        """The price as it is written in India: 2,00,000."""
        return group_as_in_india(self.price_rupees)


def group_as_in_india(number: int) -> str:
    """Digits grouped by three, then by two: 1234567 is 12,34,567."""
    digits = str(number)
    head, tail = digits[:-3], digits[-3:]
    pairs: list[str] = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*pairs, tail])


PLANS = (
    Plan("startup", "Startup", 15_000_00, 100_000, "For a first product in production."),
    Plan("business", "Business", 50_000_00, 1_000_000, "For several products, or one that many people use."),
    Plan("enterprise", "Enterprise", 2_00_000_00, None, "For traffic that should not be counted in advance."),
)
