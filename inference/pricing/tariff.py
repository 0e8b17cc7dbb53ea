"""The arithmetic of a price, in integers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from inference.domain import Extras, Usage
from inference.pricing.rates import FEES, KINDS, PriceError, RateCard, Rates, for_people

__all__ = ["MILLION", "Line", "PriceError", "Tariff", "worst_of"]

MILLION = 1_000_000

Line = tuple[str, int, int]
"""What was used, how much of it, and the rate: a kind of `inference.pricing.rates.KINDS`, a count, and nano-USD per
million."""

_NO_EXTRAS = Extras()


@dataclass(frozen=True, slots=True)
class Tariff:
    """What one model costs at one time: a rate card, and more of them where long prompts cost more.

    A prompt above a threshold pays that card's rates for *all* its tokens, output too: that is how providers bill.
    """

    cards: tuple[RateCard, ...]
    """Ascending in `above`; the first starts below every prompt."""
    _ceilings: tuple[tuple[int, int, int], ...] = field(init=False, repr=False, compare=False)
    """For each card: its threshold, and the dearest input and output rates of it and every card below it."""
    _fees: tuple[int, int] = field(init=False, repr=False, compare=False)
    """The dearest rates per search."""
    _by_kind: bool = field(init=False, repr=False, compare=False)
    """Whether reasoning has a rate of its own, so that every price is a sum over all kinds."""

    def __post_init__(self) -> None:
        reached = [self.cards[: i + 1] for i in range(len(self.cards))]
        ceilings = tuple(
            (cards[-1].above, max(c.dearest_input for c in cards), max(c.dearest_output for c in cards))
            for cards in reached
        )
        object.__setattr__(self, "_ceilings", ceilings)
        object.__setattr__(self, "_fees", tuple(max(getattr(card, fee) for card in self.cards) for fee in FEES))
        object.__setattr__(self, "_by_kind", any(card.reasoning != card.output for card in self.cards))

    def card_for(self, input_tokens: int) -> RateCard:
        for card in reversed(self.cards):
            if input_tokens > card.above:
                return card
        return self.cards[0]

    def price(self, usage: Usage) -> int:
        """Nano-USD, rounded half up. Counts that contradict each other never make a component negative."""
        if self._by_kind or usage.extras is not None:
            return price_of(self.lines(usage))
        cards = self.cards
        card = cards[0] if len(cards) == 1 else self.card_for(usage.input_tokens)
        cached, written = usage.cached_input_tokens, usage.cache_write_tokens
        total = usage.output_tokens * card.output
        if cached or written:
            hour = usage.cache_write_1h_tokens
            total += max(usage.input_tokens - cached - written, 0) * card.input
            total += cached * card.cached_input
            total += max(written - hour, 0) * card.cache_write + hour * card.cache_write_1h
        else:
            total += usage.input_tokens * card.input
        return (total + MILLION // 2) // MILLION

    def lines(self, usage: Usage) -> tuple[Line, ...]:
        """What the price is the sum of. Each token is counted once, in the kind that its rate is published for."""
        cards = self.cards
        card = cards[0] if len(cards) == 1 else self.card_for(usage.input_tokens)
        extras = usage.extras
        if self._by_kind or extras is not None:
            return _split(_plain_lines(usage, card), usage, extras or _NO_EXTRAS, card)
        if usage.cached_input_tokens or usage.cache_write_tokens:
            return tuple([line for line in _plain_lines(usage, card) if line[1]])
        read, written = usage.input_tokens, usage.output_tokens
        if read and written:
            return ("input", read, card.input), ("output", written, card.output)
        return (("input", read, card.input),) if read else (("output", written, card.output),) if written else ()

    def bound(self, input_tokens: int, output_tokens: int, searches: int = 0) -> int:
        """Nano-USD that no call of at most so many tokens and searches exceeds, whatever kinds they are of."""
        input_rate, output_rate = self._ceilings[0][1:]
        if len(self._ceilings) > 1:
            for above, dearest_input, dearest_output in reversed(self._ceilings):
                if input_tokens > above:
                    input_rate, output_rate = dearest_input, dearest_output
                    break
        total = input_tokens * input_rate + output_tokens * output_rate
        if searches:
            total += searches * max(self._fees)
        return (total + MILLION // 2) // MILLION

    def rates(self) -> Rates:
        base, *longer = (for_people(card) for card in self.cards)
        return replace(base, long_context=tuple(longer))


def price_of(lines: tuple[Line, ...]) -> int:
    """Nano-USD: the sum of the lines, rounded half up once."""
    return (sum(count * rate for _, count, rate in lines) + MILLION // 2) // MILLION


def _plain_lines(usage: Usage, card: RateCard) -> tuple[Line, Line, Line, Line, Line]:
    cached, written, hour = usage.cached_input_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens
    return (
        ("input", max(usage.input_tokens - cached - written, 0), card.input),
        ("cached_input", cached, card.cached_input),
        ("cache_write", max(written - hour, 0), card.cache_write),
        ("cache_write_1h", hour, card.cache_write_1h),
        ("output", usage.output_tokens, card.output),
    )


def _split(lines: tuple[Line, ...], usage: Usage, extras: Extras, card: RateCard) -> tuple[Line, ...]:
    """The lines with audio and reasoning taken out of the plain kinds, and with fees."""
    (_, plain, _), (_, cached, _), write, write_1h, (_, written_out, _) = lines
    cached_audio = min(extras.cached_audio_tokens, cached)
    heard = max(extras.audio_input_tokens - extras.cached_audio_tokens, 0)
    reasoning = min(usage.reasoning_tokens, written_out) if card.reasoning != card.output else 0
    split = (
        ("input", max(plain - heard, 0), card.input),
        ("cached_input", cached - cached_audio, card.cached_input),
        write,
        write_1h,
        ("audio_input", heard, card.audio_input),
        ("cached_audio", cached_audio, card.cached_audio),
        ("output", max(written_out - reasoning - extras.audio_output_tokens, 0), card.output),
        ("reasoning", reasoning, card.reasoning),
        ("audio_output", extras.audio_output_tokens, card.audio_output),
        ("web_search", extras.web_searches, card.web_search),
        ("file_search", extras.file_searches, card.file_search),
    )
    return tuple([line for line in split if line[1]])


def worst_of(tariffs: tuple[Tariff, ...]) -> Tariff:
    """A tariff at least as dear as each of these for every call."""
    if len(tariffs) == 1:
        return tariffs[0]
    thresholds = sorted({card.above for tariff in tariffs for card in tariff.cards})
    return Tariff(tuple(_dearest_card(above, tariffs) for above in thresholds))


def _dearest_card(above: int, tariffs: tuple[Tariff, ...]) -> RateCard:
    cards = [tariff.card_for(above + 1) for tariff in tariffs]
    return RateCard(above, **{kind: max(getattr(card, kind) for card in cards) for kind in KINDS})
