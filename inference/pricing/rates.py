"""What one unit costs, kind by kind.

A rate is a whole number of nano-USD per million units (tokens, or searches), so a sum of rate x count is exact and is
rounded once, at the end. The narrowest published rates have six decimals of a dollar; the unit leaves room for nine.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

NANO_PER_USD = 1_000_000_000

INPUT_KINDS = ("input", "cached_input", "cache_write", "cache_write_1h", "audio_input", "cached_audio")
OUTPUT_KINDS = ("output", "reasoning", "audio_output")
FEES = ("web_search", "file_search")
"""Charged per search: published in USD per thousand."""
KINDS = (*INPUT_KINDS, *OUTPUT_KINDS, *FEES)


class PriceError(LookupError):
    """A model has no price, or one that cannot be computed from what a call says it used."""


def to_rate(usd_per_million: Decimal) -> int:
    """A published price in our unit. One that does not fit would make bills inexact, so it is refused."""
    rate = usd_per_million * NANO_PER_USD
    if rate != int(rate) or rate < 0:
        raise PriceError(f"{usd_per_million} USD per million tokens is not a whole number of nano-USD")
    return int(rate)


@dataclass(frozen=True, slots=True)
class RateCard:
    """The rates of one prompt length, in nano-USD per million. `above` input tokens they replace lower ones."""

    above: int
    input: int
    cached_input: int
    cache_write: int
    cache_write_1h: int
    audio_input: int
    cached_audio: int
    output: int
    reasoning: int
    audio_output: int
    web_search: int = 0
    file_search: int = 0

    @property
    def dearest_input(self) -> int:
        return max(
            self.input, self.cached_input, self.cache_write, self.cache_write_1h, self.audio_input, self.cached_audio
        )

    @property
    def dearest_output(self) -> int:
        return max(self.output, self.reasoning, self.audio_output)

    def discounted(self, discount: Decimal) -> RateCard:
        """For a batch, when only a general discount is known. Providers do not agree on whether it goes on top of the
        one for cached tokens, so those cost what they did, unless a plain token is cheaper now. Fees stay."""
        kept = {kind: getattr(self, kind) for kind in KINDS}
        less = {kind: _less(rate, discount) for kind, rate in kept.items() if kind not in FEES}
        return RateCard(
            self.above,
            **kept
            | less
            | {
                "cached_input": min(self.cached_input, less["input"]),
                "cached_audio": min(self.cached_audio, less["audio_input"]),
            },
        )


def _less(rate: int, discount: Decimal) -> int:
    return to_rate(rate * (1 - discount) / NANO_PER_USD)


@dataclass(frozen=True, slots=True)
class UsdCard:
    """A rate card as it is published, in USD per million tokens and per thousand searches."""

    above: int
    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    audio_input: Decimal | None = None
    cached_audio: Decimal | None = None
    audio_output: Decimal | None = None
    reasoning: Decimal | None = None
    web_search: Decimal | None = None
    file_search: Decimal | None = None

    def rate_card(self) -> RateCard:
        """What has no rate of its own costs as much as the next plainer thing; a search nothing."""
        cached = _first(self.cached_input, self.input)
        write = _first(self.cache_write, self.input)
        audio = _first(self.audio_input, self.input)
        return RateCard(
            self.above,
            input=to_rate(self.input),
            cached_input=to_rate(cached),
            cache_write=to_rate(write),
            cache_write_1h=to_rate(_first(self.cache_write_1h, write)),
            audio_input=to_rate(audio),
            cached_audio=to_rate(_first(self.cached_audio, cached if self.audio_input is None else audio)),
            output=to_rate(self.output),
            reasoning=to_rate(_first(self.reasoning, self.output)),
            audio_output=to_rate(_first(self.audio_output, self.output)),
            web_search=to_rate((self.web_search or Decimal(0)) * 1000),
            file_search=to_rate((self.file_search or Decimal(0)) * 1000),
        )


def _first(own: Decimal | None, plainer: Decimal) -> Decimal:
    return plainer if own is None else own


@dataclass(frozen=True, slots=True)
class Rates:
    """A rate card for people: USD per million tokens, and per thousand searches. `long_context`: for longer prompts."""

    input: Decimal
    cached_input: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    audio_input: Decimal
    cached_audio: Decimal
    output: Decimal
    reasoning: Decimal
    audio_output: Decimal
    web_search: Decimal
    file_search: Decimal
    above_input_tokens: int = 0
    long_context: tuple[Rates, ...] = ()


def for_people(card: RateCard) -> Rates:
    rates: dict[str, Any] = {kind: published(kind, getattr(card, kind)) for kind in KINDS}
    return Rates(**rates, above_input_tokens=max(card.above, 0))


def published(kind: str, rate: int) -> Decimal:
    """A rate as it is published: in USD per million tokens, or per thousand searches."""
    return Decimal(rate) / NANO_PER_USD / (1000 if kind in FEES else 1)
