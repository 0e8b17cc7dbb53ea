"""Guards over how the words of a question hang together: order, voice, who does it, tense, modality, and / or."""

from __future__ import annotations

import re

from caching.guards.alignment import Alignment
from caching.guards.question import Wants, are_apart, wants
from caching.guards.reading import Kind, Reading

_DIRECTIONAL = frozenset({"to", "from", "than", "into", "onto", "over", "against", "before", "after", "versus"})
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being|get|gets|got)\b(?:\s+[\w'’-]+){0,4}?\s+"
    r"(?!need|indeed)\w+(?:ed|en|own|ost|ught|ood|old|ound|ade|ent|elt|ept|ung|urt|it|et|un|id|eard|ead)\s+by\b",
    re.IGNORECASE,
)
_SHORT = 16
"""In longer texts the words between two others say little about how these two hang together."""
_HE = frozenset({"he", "him", "his", "himself"})
_SHE = frozenset({"she", "her", "hers", "herself"})
_USED_TO = re.compile(
    r"\bdid\b.*\buse to\b|\b(?:i|you|he|she|we|they|there|who|what) used to\b|\bformerly\b|\bin the past\b",
    re.IGNORECASE,
)
_TENSES = (
    ("past", re.compile(r"^\W*(?:did|was|were|had)\b|\b(?:did|was|were) (?:i|you|he|she|it|we|they)\b", re.IGNORECASE)),
    ("future", re.compile(r"^\W*will\b|\bwill (?:i|you|he|she|it|we|they|be)\b|\bgoing to\b", re.IGNORECASE)),
)
_MODALS = {
    "must": "must",
    "have to": "must",
    "need to": "must",
    "should": "should",
    "can": "can",
    "could": "can",
    "able to": "can",
    "allowed to": "may",
    "may": "may",
}
_MODAL = re.compile(r"\b(" + "|".join(_MODALS) + r")\b", re.IGNORECASE)
_ALL = re.compile(r"\bsimultaneously\b|\bboth\b|\bat the same time\b|\bat once\b", re.IGNORECASE)


def turned_order(alignment: Alignment) -> str | None:
    """Fires when two things changed places around a word that says a direction: `from A to B` and `from B to A`."""
    if alignment.overlap < 0.85 or _is_long(alignment) or _is_passive(alignment.cached) != _is_passive(alignment.asked):
        return None
    places = [
        (_place(alignment.cached, one.lower), _place(alignment.asked, two.lower), one.lower)
        for one, two in alignment.matched
    ]
    for number, (left, right, word) in enumerate(places):
        for other_left, other_right, other in places[number + 1 :]:
            if (left - other_left) * (right - other_right) >= 0:
                continue
            between = _between(alignment.cached, left, other_left) & _between(alignment.asked, right, other_right)
            if between & _DIRECTIONAL:
                return f"{word} / {other}"
    return None


def changed_roles(alignment: Alignment) -> str | None:
    """Fires when one side is active, the other passive, and doer and done-to kept their places; or he became she."""
    if (
        _genders(alignment.cached) != _genders(alignment.asked)
        and _genders(alignment.cached)
        and _genders(alignment.asked)
    ):
        return "he / she"
    if alignment.overlap < 0.6 or len(alignment.matched) < 2 or _is_long(alignment):
        return None
    if _is_passive(alignment.cached) == _is_passive(alignment.asked):
        return None
    (first_one, first_two), (last_one, last_two) = alignment.matched[0], alignment.matched[-1]
    one = _place(alignment.cached, first_one.lower) - _place(alignment.cached, last_one.lower)
    two = _place(alignment.asked, first_two.lower) - _place(alignment.asked, last_two.lower)
    return "active / passive" if one * two > 0 else None


def different_question(alignment: Alignment) -> str | None:
    """Fires when no answer to one can answer the other: who and when."""
    one, other = wants(alignment.cached.text), wants(alignment.asked.text)
    return f"{one} / {other}" if are_apart(one, other) else None


def different_tense(alignment: Alignment) -> str | None:
    """Fires on `used to` against now, and on did, is and will in questions of nearly the same words."""
    cached, asked = alignment.cached.text, alignment.asked.text
    if bool(_USED_TO.search(cached)) != bool(_USED_TO.search(asked)) and alignment.overlap >= 0.6:
        return "now / formerly"
    if wants(cached) is not Wants.YES_NO or wants(asked) is not Wants.YES_NO or alignment.overlap < 0.6:
        return None
    one, other = _tense(cached), _tense(asked)
    return f"{one} / {other}" if {one, other} == {"past", "future"} else None


def different_modality(alignment: Alignment) -> str | None:
    """Fires when a yes-or-no question changes between can, should and must."""
    cached, asked = alignment.cached.text, alignment.asked.text
    if wants(cached) is not Wants.YES_NO or wants(asked) is not Wants.YES_NO:
        return None
    one, other = _modal(cached), _modal(asked)
    if one and other and one != other and {one, other} != {"can", "may"}:
        return f"{one} / {other}"
    return None


def different_connective(alignment: Alignment) -> str | None:
    """Fires when one asks for either and the other for both."""
    one, other = _joins(alignment.cached), _joins(alignment.asked)
    return f"{one} / {other}" if one and other and one != other and alignment.overlap >= 0.6 else None


def _is_long(alignment: Alignment) -> bool:
    return max(len(alignment.cached.tokens), len(alignment.asked.tokens)) > _SHORT


def _is_passive(reading: Reading) -> bool:
    return _PASSIVE.search(reading.text) is not None


def _joins(reading: Reading) -> str:
    if "or" in reading.words:
        return "or"
    return "and" if "and" in reading.words and _ALL.search(reading.text) else ""


def _place(reading: Reading, word: str) -> int:
    return next((place for place, token in enumerate(reading.tokens) if token.lower == word), 0)


def _between(reading: Reading, one: int, other: int) -> frozenset[str]:
    first, last = sorted((one, other))
    return frozenset(token.lower for token in reading.tokens[first + 1 : last] if token.kind is Kind.FUNCTION)


def _genders(reading: Reading) -> tuple[str, ...]:
    """He and she in their order, each once for a run of the same."""
    found = ["he" if token.lower in _HE else "she" for token in reading.tokens if token.lower in _HE | _SHE]
    return tuple(gender for gender, before in zip(found, ["", *found], strict=False) if gender != before)


def _tense(text: str) -> str:
    return next((name for name, pattern in _TENSES if pattern.search(text)), "present")


def _modal(text: str) -> str:
    found = _MODAL.search(text)
    return _MODALS[found[1].lower()] if found else ""
