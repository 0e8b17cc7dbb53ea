"""Token counting and splitting with the o200k vocabulary, for every provider.

Anthropic's and Cohere's own tokenizers are not public; a simulated count only has to be consistent with itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from operator import attrgetter

from rs_bpe.bpe import openai as vocabularies


@dataclass(frozen=True, slots=True)
class Piece:
    """The smallest text a stream can carry: one token, or the few that together make one character."""

    text: str
    tokens: int


_LAST_TOKEN = 199_997


@cache
def _vocabulary() -> vocabularies.Tokenizer:
    return vocabularies.o200k_base()


def is_token(value: object) -> bool:
    """Whether the vocabulary has this number. It must not be asked for any other: it would end the process."""
    return type(value) is int and 0 <= value <= _LAST_TOKEN


def warm_up() -> None:
    """Read the vocabulary now, not during the first request."""
    _vocabulary().count("")


def count(text: str) -> int:
    return int(_vocabulary().count(text))


def encode(text: str) -> list[int]:
    tokens: list[int] = _vocabulary().encode(text)
    return tokens


def decode(tokens: Iterable[int]) -> str:
    """The text of a list of tokens; bytes that are no character are left out."""
    return text_of(_join(tokens))


def split(text: str) -> tuple[Piece, ...]:
    """The text as a stream would carry it; joined, the pieces are the text again."""
    return tuple(_join(encode(text)))


def text_of(pieces: Iterable[Piece]) -> str:
    return "".join(map(_TEXT, pieces))


def size_of(pieces: Iterable[Piece]) -> int:
    return sum(map(_TOKENS, pieces))


_TEXT = attrgetter("text")
_TOKENS = attrgetter("tokens")
_WHOLE: dict[int, Piece | None] = {}
"""The piece a token makes by itself; None for one that is only part of a character. The vocabulary bounds it."""


def _join(tokens: Iterable[int]) -> list[Piece]:
    pieces: list[Piece] = []
    pending: list[int] = []
    for token in tokens:
        piece = _WHOLE[token] if token in _WHOLE else _learn(token)
        if pending or piece is None:
            pending.append(token)
            text = _vocabulary().decode(pending)
            if text is None:
                continue
            piece = Piece(text, len(pending))
            pending.clear()
        pieces.append(piece)
    return pieces


def _learn(token: int) -> Piece | None:
    text = _vocabulary().decode([token])
    piece = _WHOLE[token] = None if text is None else Piece(text, 1)
    return piece
