"""Template filters for figures: `{{ nano|usd }}`, `{{ share|percent }}`, `{{ milliseconds|duration }}`."""

from __future__ import annotations

from django import template

from analytics import money

register = template.Library()

register.filter("usd", money.usd_text)
register.filter("percent", money.percent_text)


@register.filter
def finely(share: float | None) -> str:
    """A small share as per cent, with two decimals: an error of 0.25 % is not one of 0.3 %."""
    return "–" if share is None else f"{share * 100:.2f} %"


@register.filter
def duration(milliseconds: int) -> str:
    """Milliseconds below ten seconds, seconds above."""
    if milliseconds < 1:
        return "< 1 ms"
    return f"{milliseconds:,} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:,.1f} s"
