"""Whether it pays to mark a beginning of a prompt for the provider's cache, model by model, by the prices of now."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from caching.workflow.prefixes import Sighting
from inference.domain import Cut, Model, Order, PrefixMarks, Wire
from inference.pricing import PriceBook
from inference.workflow.beginnings import Beginning
from inference.workflow.marks import marked_by_caller, may_be_marked

_MARKED_BY = {"anthropic": Wire.MESSAGES, "openai": Wire.CHAT}
"""The providers that take marks, and the wire in which they do."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place for a mark, and how likely what stands before it is to be read again in time."""

    beginning: Beginning
    again: float


def place_marks(prices: PriceBook, order: Order, found: Sequence[Beginning], sighting: Sighting) -> PrefixMarks:
    """The marks that are expected to save more than they cost. None at all where the caller places some."""
    spots = () if marked_by_caller(order.call.body) else _spots(order, found, sighting)
    cuts: dict[str, tuple[Cut, ...]] = {}
    for model in order.candidates:
        if _MARKED_BY.get(model.provider) is model.wire:
            worth = tuple(spot.beginning.cut for spot in spots if _pays(prices, model, spot))
            if worth:
                cuts[model.id] = worth
    return PrefixMarks(cuts, _key(order, found[0]))


def _spots(order: Order, found: Sequence[Beginning], sighting: Sighting) -> tuple[_Spot, ...]:
    """The longest beginning that came before, and the longest of all; where none can stand, the next shorter one."""
    wanted = [(len(found) - 1, sighting.again)]
    if sighting.known is not None and sighting.known < len(found) - 1:
        wanted.insert(0, (sighting.known, sighting.known_again))
    spots: dict[Cut, _Spot] = {}
    for place, again in wanted:
        markable = next((b for b in reversed(found[: place + 1]) if may_be_marked(order.call, b.cut)), None)
        if markable is not None:
            spots[markable.cut] = _Spot(markable, again)
    return tuple(spots.values())


def _pays(prices: PriceBook, model: Model, spot: _Spot) -> bool:
    """Anthropic writes only what is marked: what that costs more now, against what reading costs less later. OpenAI's
    models that charge for writing write all of a prompt anyway, and a mark only makes it found again."""
    card = prices.tariff(model).card_for(spot.beginning.tokens)
    premium, gain = card.cache_write - card.input, card.input - card.cached_input
    if model.provider == "openai":
        return premium > 0
    return spot.again * gain > premium


def _key(order: Order, first: Beginning) -> str:
    """The same for all prompts of the organization that begin alike, and for no other organization's."""
    told = order.principal.org_id.encode() + first.digest
    return hashlib.blake2b(told, digest_size=16).hexdigest()
