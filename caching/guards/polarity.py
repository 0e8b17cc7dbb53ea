"""Guards over what turns a meaning round: negation, opposites and directions, taken together.

Two turns make none: `less visible` and `more invisible`, `patient` and `not impatient` ask the same.
"""

from __future__ import annotations

from caching.guards.alignment import Alignment, are_opposite
from caching.guards.lexicon import lexicon
from caching.guards.reading import Kind, Reading, Token

_CLOSE = 0.5
_EDITED = 0.45
"""Words in another order, among others, may well be opposites by chance."""
_DIRECTIONS = frozenset(
    {
        "more",
        "less",
        "most",
        "least",
        "few",
        "up",
        "down",
        "before",
        "after",
        "over",
        "under",
        "with",
        "without",
        "off",
        "on",
        "he",
        "him",
        "his",
        "she",
        "her",
        "hers",
    }
)


def turned_meaning(alignment: Alignment) -> str | None:
    """Fires when an odd number of negations and opposites stands between two questions of nearly the same words."""
    negations = _negations(alignment.cached) - _negations(alignment.asked)
    opposites = opposite_pairs(alignment)
    if (abs(negations) + len(opposites)) % 2 == 0 or alignment.frame < _EDITED:
        return None
    if opposites:
        return f"{opposites[0][0]} / {opposites[0][1]}"
    return "one is negated" if alignment.overlap >= _CLOSE else None


def negation_difference(alignment: Alignment) -> int:
    """How many more negations one has than the other."""
    return abs(_negations(alignment.cached) - _negations(alignment.asked))


def opposite_pairs(alignment: Alignment) -> list[tuple[str, str]]:
    """Words that only the cached question has, each with its opposite that only the asked one has."""
    left = _alone(alignment.cached, alignment.asked, alignment.only_cached)
    right = _alone(alignment.asked, alignment.cached, alignment.only_asked)
    pairs = []
    for word in left:
        partner = next((other for other in right if are_opposite(word, other)), None)
        if partner is not None:
            pairs.append((word, partner))
            right.remove(partner)
    return pairs


def _alone(own: Reading, other: Reading, content: tuple[Token, ...]) -> list[str]:
    """Its own content, and function words that say a direction."""
    words = [token.stem for token in content if token.kind is Kind.WORD]
    extra = [token.lower for token in own.tokens if token.lower in _DIRECTIONS and token.lower not in other.words]
    return list(dict.fromkeys(words + extra))


def _negations(reading: Reading) -> int:
    return sum(token.lower in lexicon().negators for token in reading.tokens)
