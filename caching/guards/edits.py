"""Guards over small edits: a word put in, or in place of another, in a question that is otherwise equal."""

from __future__ import annotations

from caching.guards.alignment import Alignment
from caching.guards.reading import Kind, Reading, Token

_SAME_FRAME = 0.72
_SHORT = 16
_ARTICLES = frozenset({"a", "the"})


def inserted_word(alignment: Alignment) -> str | None:
    """Fires when one side is the other with a modifier more: an editor, an English editor."""
    if bool(alignment.only_cached) == bool(alignment.only_asked) or not _is_edit(alignment):
        return None
    extra = alignment.only_cached or alignment.only_asked
    longer = alignment.cached if alignment.only_cached else alignment.asked
    if len(extra) > 2 or not _modifies(extra[0], longer):
        return None
    return extra[0].lower


def replaced_word(alignment: Alignment) -> str | None:
    """Fires when only one content word stands in another's place: a market order, a limit order."""
    if len(alignment.only_cached) != 1 or len(alignment.only_asked) != 1 or not _is_edit(alignment):
        return None
    one, other = alignment.only_cached[0], alignment.only_asked[0]
    if Kind.WORD not in (one.kind, other.kind):
        return None
    places = _around(one, alignment.cached), _around(other, alignment.asked)
    return f"{one.lower} / {other.lower}" if places[0][0] == places[1][0] or places[0][1] == places[1][1] else None


def _is_edit(alignment: Alignment) -> bool:
    """Nearly the same sequence of words. Longer texts say more, and one word of theirs says less."""
    shorter = min(len(alignment.cached.tokens), len(alignment.asked.tokens))
    return alignment.frame >= _SAME_FRAME and shorter <= _SHORT


def _modifies(token: Token, reading: Reading) -> bool:
    """Whether it stands between an article and the noun."""
    before, after = _around(token, reading)
    return before in _ARTICLES and bool(after)


def _around(token: Token, reading: Reading) -> tuple[str, str]:
    """The stems beside a word."""
    place = reading.tokens.index(token)
    before = reading.tokens[place - 1].stem if place else ""
    return before, reading.tokens[place + 1].stem if place + 1 < len(reading.tokens) else ""
