"""Money and shares as people read them. Amounts come as integer nano-USD and stay exact until they are text."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

NANO_PER_USD = 10**9
SIGNIFICANT_DIGITS = 3


def usd_text(nano: int) -> str:
    """Dollars with the digits an amount deserves: `$1,234.57`, `$0.45`, `$0.000123`, `−$0.02`, `$0.00`."""
    amount = abs(Decimal(nano)) / NANO_PER_USD
    sign = "−" if nano < 0 else ""
    return f"{sign}${amount.quantize(_step(amount), rounding=ROUND_HALF_EVEN):,f}"


def percent_text(share: Decimal | float | None) -> str:
    """A share from 0 to 1 as per cent with one decimal, or a dash when there is nothing to divide by."""
    if share is None:
        return "–"
    return f"{Decimal(str(share)) * 100:.1f} %".replace("-", "−")


def _step(amount: Decimal) -> Decimal:
    """The last digit to show: cents, or further until three digits are significant, never beyond a nano-dollar."""
    if amount == 0 or amount >= 1:
        return Decimal("0.01")
    places = SIGNIFICANT_DIGITS - 1 - amount.adjusted()
    return Decimal(1).scaleb(-min(max(places, 2), 9))
