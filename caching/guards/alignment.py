"""What two questions share, and what each has alone: the diff that every guard and the gate look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher

from caching.guards.lexicon import lexicon
from caching.guards.reading import Kind, Reading, Token


@dataclass(frozen=True, slots=True)
class Alignment:
    """`cached` and `asked` word by word. What only one of them says is content without a partner in the other."""

    cached: Reading
    asked: Reading
    matched: tuple[tuple[Token, Token], ...]
    only_cached: tuple[Token, ...]
    only_asked: tuple[Token, ...]
    frame: float
    """How alike both are as sequences of words, 0 to 1: near 1, one is an edit of the other."""

    @property
    def overlap(self) -> float:
        """The share of content words that have a partner, 0 to 1."""
        total = 2 * len(self.matched) + len(self.only_cached) + len(self.only_asked)
        return 2 * len(self.matched) / total if total else 1.0


def align(cached: Reading, asked: Reading) -> Alignment:
    """Pairs content words: the same stem first, then synonyms, spellings and compounds."""
    left, right = list(cached.content), list(asked.content)
    matched = _pair(left, right, lambda a, b: a.stem == b.stem)
    matched += _pair(left, right, _is_the_same)
    only_cached = tuple(token for token in left if not _is_within(token, asked, cached))
    only_asked = tuple(token for token in right if not _is_within(token, cached, asked))
    sequence = SequenceMatcher(
        None, [token.stem for token in cached.tokens], [token.stem for token in asked.tokens], autojunk=False
    )
    return Alignment(cached, asked, tuple(matched), only_cached, only_asked, sequence.ratio())


def _pair(left: list[Token], right: list[Token], same: Callable[[Token, Token], bool]) -> list[tuple[Token, Token]]:
    """Takes partners out of both lists."""
    found = []
    for token in tuple(left):
        partner = next((other for other in right if same(token, other)), None)
        if partner is not None:
            found.append((token, partner))
            left.remove(token)
            right.remove(partner)
    return found


def _is_the_same(one: Token, other: Token) -> bool:
    if one.value is not None or other.value is not None:
        return one.value == other.value and one.value is not None
    if one.kind is not other.kind or one.kind is not Kind.WORD:
        return False
    return are_synonyms(one.stem, other.stem) or _is_respelled(one, other)


def are_synonyms(one: str, other: str) -> bool:
    """Whether the lexicon says so."""
    groups = lexicon().synonyms
    return not groups.get(one, frozenset()).isdisjoint(groups.get(other, frozenset()))


def _is_respelled(one: Token, other: Token) -> bool:
    """A slip or another ending: long words that begin alike and differ by at most two letters."""
    first, second = one.stem, other.stem
    if min(len(first), len(second)) < 4 or first[0] != second[0] or are_opposite(first, second):
        return False
    if first.startswith(second) or second.startswith(first):
        return abs(len(first) - len(second)) <= 3
    if min(len(first), len(second)) < 5 or one.is_name or other.is_name:
        return False
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= 0.86


def _is_within(token: Token, other: Reading, own: Reading) -> bool:
    """A part of a compound that the other side writes as one, or a compound of its parts: `web site` and `website`."""
    if token.lower in other.joined:
        return True
    return any(token.lower in parts and joined in other.words for joined, parts in own.joined.items())


_NEGATIVE_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "de", "mis")


def are_opposite(one: str, other: str) -> bool:
    """Opposites by the lexicon, or one of them is the other behind a negative prefix."""
    if other in lexicon().opposites.get(one, frozenset()):
        return True
    short, long = sorted((one, other), key=len)
    if {one[-3:], other[-3:]} == {"ful", "ess"} and one.removesuffix("ful") == other.removesuffix("less"):
        return True
    return len(short) >= 4 and long.endswith(short) and long[: -len(short)] in _NEGATIVE_PREFIXES
