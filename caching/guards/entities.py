"""Guards over who and what a question is about: names, and words that exclude each other.

Capitals alone say little: people write `iphone` and `iPhone`, start sentences and shout. So a name conflicts only when
it has no partner by stem, initials or spelling, and the other side has something else in its place.
"""

from __future__ import annotations

from caching.guards.alignment import Alignment
from caching.guards.lexicon import lexicon
from caching.guards.reading import Kind, Reading, Token


def different_names(alignment: Alignment) -> str | None:
    """Fires when both sides name something that the other does not."""
    cached = unmatched_names(alignment.only_cached, alignment.asked)
    asked = unmatched_names(alignment.only_asked, alignment.cached)
    if cached and asked:
        return f"{cached[0].written} / {asked[0].written}"
    return None


def one_sided_names(alignment: Alignment) -> str | None:
    """Fires when one names something, and the other says something else in its place, in nearly the same words."""
    if alignment.frame < 0.7:
        return None
    cached = unmatched_names(alignment.only_cached, alignment.asked)
    asked = unmatched_names(alignment.only_asked, alignment.cached)
    if cached and alignment.only_asked:
        return f"{cached[0].written} / {alignment.only_asked[0].written}"
    if asked and alignment.only_cached:
        return f"{alignment.only_cached[0].written} / {asked[0].written}"
    return None


def excluding_words(alignment: Alignment) -> str | None:
    """Fires on members of one class: Monday and Friday, savings and checking, Sudan and Iran, Python and Java."""
    classes = lexicon().classes
    left = list(_alone(alignment.only_cached, alignment.cached, alignment.asked))
    right = list(_alone(alignment.only_asked, alignment.asked, alignment.cached))
    for one in left:
        for other in right:
            if one != other and not classes.get(one, frozenset()).isdisjoint(classes.get(other, frozenset())):
                return f"{one} / {other}"
    return None


def unmatched_names(alone: tuple[Token, ...], other: Reading) -> list[Token]:
    """Names among `alone` that `other` does not have in another form."""
    return [token for token in alone if token.is_name and not _has_a_form(token, other)]


def _has_a_form(name: Token, other: Reading) -> bool:
    """By its stem (India, Indian), or by initials (United States, US)."""
    if any(token.stem[:4] == name.stem[:4] and len(name.stem) > 4 for token in other.content):
        return True
    initials = "".join(token.lower[0] for token in other.tokens)
    return name.written.isupper() and len(name.lower) > 1 and name.lower in initials


def _alone(content: tuple[Token, ...], own: Reading, other: Reading) -> list[str]:
    """Content without a partner. Stems that a synonym or a slip paired are settled already."""
    del own
    return [token.stem for token in content if token.kind is Kind.WORD and token.stem not in other.stems]
