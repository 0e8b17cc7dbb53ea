"""The arithmetic of a price, in integers.

A rate is a whole number of nano-USD per million tokens, so a sum of rate x tokens is exact and is rounded once, at
the end. The narrowest published rates have six decimals of a dollar; the unit leaves room for nine.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from inference.domain import Usage

MILLION = 1_000_000
NANO_PER_USD = 1_000_000_000


class PriceError(LookupError):
    """A model has no price, or one that cannot be computed from the tokens of a call."""


def to_rate(usd_per_million: Decimal) -> int:
    """A published price in our unit. One that does not fit would make bills inexact, so it is refused."""
    rate = usd_per_million * NANO_PER_USD
    if rate != int(rate) or rate < 0:
        raise PriceError(f"{usd_per_million} USD per million tokens is not a whole number of nano-USD")
    return int(rate)


@dataclass(frozen=True, slots=True)
class RateCard:
    """The rates of one prompt length, in nano-USD per million tokens. `above` input tokens they replace lower ones."""

    above: int
    input: int
    cached_input: int
    cache_write: int
    cache_write_1h: int
    output: int

    @property
    def dearest_input(self) -> int:
        return max(self.input, self.cached_input, self.cache_write, self.cache_write_1h)


@dataclass(frozen=True, slots=True)
class UsdCard:
    """A rate card as it is published, in USD per million tokens. What it leaves out costs what is plainer."""

    above: int
    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None

    def rate_card(self) -> RateCard:
        """A cached or cache-writing token without a rate of its own is an ordinary input token."""
        write = self.input if self.cache_write is None else self.cache_write
        return RateCard(
            self.above,
            to_rate(self.input),
            to_rate(self.input if self.cached_input is None else self.cached_input),
            to_rate(write),
            to_rate(write if self.cache_write_1h is None else self.cache_write_1h),
            to_rate(self.output),
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """A rate card for people: USD per million tokens. `long_context` holds what applies to longer prompts."""

    input: Decimal
    cached_input: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    output: Decimal
    above_input_tokens: int = 0
    long_context: tuple[Rates, ...] = ()


@dataclass(frozen=True, slots=True)
class Tariff:
    """What one model costs at one time: a rate card, and more of them where long prompts cost more.

    A prompt above a threshold pays that card's rates for *all* its tokens, output too: that is how providers bill.
    """

    cards: tuple[RateCard, ...]
    """Ascending in `above`; the first starts below every prompt."""
    _ceilings: tuple[tuple[int, int, int], ...] = field(init=False, repr=False, compare=False)
    """For each card: its threshold, and the dearest input and output rates of it and every card below it."""

    def __post_init__(self) -> None:
        reached = [self.cards[: i + 1] for i in range(len(self.cards))]
        ceilings = tuple(
            (cards[-1].above, max(c.dearest_input for c in cards), max(c.output for c in cards)) for cards in reached
        )
        object.__setattr__(self, "_ceilings", ceilings)

    def card_for(self, input_tokens: int) -> RateCard:
        for card in reversed(self.cards):
            if input_tokens > card.above:
                return card
        return self.cards[0]

    def price(self, usage: Usage) -> int:
        """Nano-USD, rounded half up. Counts that contradict each other never make a component negative."""
        cards = self.cards
        card = cards[0] if len(cards) == 1 else self.card_for(usage.input_tokens)
        cached, written, hour = usage.cached_input_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens
        total = usage.output_tokens * card.output
        if not cached and not written:
            total += usage.input_tokens * card.input
        else:
            total += max(usage.input_tokens - cached - written, 0) * card.input
            total += cached * card.cached_input
            total += max(written - hour, 0) * card.cache_write + hour * card.cache_write_1h
        return (total + MILLION // 2) // MILLION

    def bound(self, input_tokens: int, output_tokens: int) -> int:
        """Nano-USD that no call of at most so many tokens exceeds, whatever it reads from or writes to a cache."""
        input_rate, output_rate = self._ceilings[0][1:]
        for above, dearest_input, dearest_output in reversed(self._ceilings):
            if input_tokens > above:
                input_rate, output_rate = dearest_input, dearest_output
                break
        return (input_tokens * input_rate + output_tokens * output_rate + MILLION // 2) // MILLION

    def rates(self) -> Rates:
        base, *longer = (_for_people(card) for card in self.cards)
        return replace(base, long_context=tuple(longer))


def _for_people(card: RateCard) -> Rates:
    return Rates(
        input=_usd(card.input),
        cached_input=_usd(card.cached_input),
        cache_write=_usd(card.cache_write),
        cache_write_1h=_usd(card.cache_write_1h),
        output=_usd(card.output),
        above_input_tokens=max(card.above, 0),
    )


def _usd(rate: int) -> Decimal:
    return Decimal(rate) / NANO_PER_USD


def worst_of(tariffs: tuple[Tariff, ...]) -> Tariff:
    """A tariff at least as dear as each of these for every call: what to reserve when the price is about to change."""
    if len(tariffs) == 1:
        return tariffs[0]
    thresholds = sorted({card.above for tariff in tariffs for card in tariff.cards})
    return Tariff(tuple(_dearest_card(above, tariffs) for above in thresholds))


def _dearest_card(above: int, tariffs: tuple[Tariff, ...]) -> RateCard:
    cards = [tariff.card_for(above + 1) for tariff in tariffs]
    return RateCard(
        above,
        max(c.input for c in cards),
        max(c.cached_input for c in cards),
        max(c.cache_write for c in cards),
        max(c.cache_write_1h for c in cards),
        max(c.output for c in cards),
    )
