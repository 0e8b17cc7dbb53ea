"""The guard over languages: an answer in one is no answer to a question in another."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from caching.guards.alignment import Alignment
from caching.guards.lexicon import lexicon
from caching.guards.reading import read

_ENOUGH = 2
"""Fewer common words than that say nothing about a language."""


def different_language(alignment: Alignment) -> str | None:
    """Fires on another script, or on common words of another language."""
    one, other = language_of(alignment.cached.text), language_of(alignment.asked.text)
    return f"{one} / {other}" if one and other and one != other else None


@lru_cache(maxsize=8192)
def language_of(text: str) -> str:
    """A language's code, or the name of a script other than Latin; empty when it cannot be told."""
    script = _script(text)
    if script not in ("", "LATIN"):
        return script.lower()
    words = [token.lower for token in read(text).tokens]
    counts = {name: sum(word in common for word in words) for name, common in lexicon().stopwords.items()}
    best, second, *_ = sorted(counts, key=lambda name: -counts[name])
    return best if counts[best] >= _ENOUGH and counts[best] > counts[second] else ""


def _script(text: str) -> str:
    """The script of most letters."""
    counts: dict[str, int] = {}
    for letter in text[:400]:
        if letter.isalpha():
            name = "LATIN" if letter.isascii() else unicodedata.name(letter, "").split(" ")[0]
            counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else ""
