"""A question as the guards see it: its words in a common form, and what is told by how it was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from caching.guards.lexicon import lexicon, stem

_CONTRACTIONS = (
    (re.compile(r"\b(ca)n['’]?t\b", re.IGNORECASE), "can not"),
    (re.compile(r"\bwon['’]t\b", re.IGNORECASE), "will not"),
    (re.compile(r"\bcannot\b", re.IGNORECASE), "can not"),
    (
        re.compile(
            r"\b(is|are|was|were|do|does|did|has|have|had|would|could|should|must|need)n['’]?t\b", re.IGNORECASE
        ),
        r"\1 not",
    ),
    (re.compile(r"\b(what|who|where|when|how|why|it|that|there|here)['’]s\b", re.IGNORECASE), r"\1 is"),
    (re.compile(r"\b(i)['’]m\b", re.IGNORECASE), r"\1 am"),
    (re.compile(r"\b(\w+)['’]re\b", re.IGNORECASE), r"\1 are"),
    (re.compile(r"\b(\w+)['’]ve\b", re.IGNORECASE), r"\1 have"),
    (re.compile(r"\b(\w+)['’]ll\b", re.IGNORECASE), r"\1 will"),
    (re.compile(r"\b(\w+)['’]d\b", re.IGNORECASE), r"\1 would"),
    (re.compile(r"\b(?:in fact|as a matter of fact|of course|for example|by the way)\b", re.IGNORECASE), " "),
    (
        re.compile(
            r"\b(?:do|does|did) (?:you|anyone|people) (?:really )?(?:think|believe|feel)(?: that)?\b", re.IGNORECASE
        ),
        " ",
    ),
    (re.compile(r"^\W*(?:yes|no),", re.IGNORECASE), " "),
)
_TOKEN = re.compile(
    r"\d+\([a-z]\)"  # 401(k)
    r"|[A-Za-z]+-?\d[\w-]*(?:\.\d+)*"  # LN-5567A, v2.1.0
    r"|[$€£₹#]?\d+(?:,\d{2,3})*(?:\.\d+)?(?:[-/:.]\d+)*[A-Za-z%]*"
    r"|(?:[A-Z]\.){2,}"  # U.S.
    r"|[A-Za-z][A-Za-z0-9]*[#+]+(?!\w)|\w+(?:['’]\w+)?|[&%]"
)
_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]{1,200})[\"“”«»]|`([^`]{1,200})`|(?<!\w)'([^']{2,200})'(?!\w)")
_CODE = re.compile(
    r"`[^`]+`|\b\w+(?:_\w+)+\b|\b[a-z]+(?:[A-Z][a-z0-9]+)+\b|\b\w+(?:\.\w+)*\(\)|(?<!\w)--?[a-z][\w-]+"
    r"|\b[\w-]+\.(?:py|js|ts|java|go|rs|c|h|cpp|json|yaml|yml|toml|sql|sh|html|css|md|csv)\b"
)
_SCALES = {"k": 1_000, "m": 1_000_000, "b": 1_000_000_000, "bn": 1_000_000_000}


class Kind(StrEnum):
    """What a word is to the guards."""

    WORD = "word"
    FUNCTION = "function"
    NUMBER = "number"
    IDENTIFIER = "identifier"


@dataclass(frozen=True, slots=True)
class Token:
    """One word: as it was written, in small letters, and by its stem; `value` of a number."""

    written: str
    lower: str
    stem: str
    kind: Kind
    is_name: bool
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A question, read once and kept for the next comparison."""

    text: str
    tokens: tuple[Token, ...]
    content: tuple[Token, ...]
    words: frozenset[str]
    stems: frozenset[str]
    joined: dict[str, tuple[str, str]]
    """Neighbouring words written as one, with the two."""
    quoted: frozenset[str]
    code: frozenset[str]


@lru_cache(maxsize=8192)
def read(text: str) -> Reading:
    """Reads a question. Long texts are read up to 4,000 characters: guards are for questions, not for documents."""
    text = text[:4000]
    plain = text
    for pattern, replacement in _CONTRACTIONS:
        plain = pattern.sub(replacement, plain)
    tokens = tuple(_tokens(plain))
    filler = lexicon().filler
    content = tuple(
        token for token in tokens if token.kind is not Kind.FUNCTION and (token.is_name or token.lower not in filler)
    )
    quoted = frozenset(_folded(next(filter(None, groups))) for groups in _QUOTED.findall(text))
    return Reading(
        text=text,
        tokens=tokens,
        content=content,
        words=frozenset(token.lower for token in tokens),
        stems=frozenset(token.stem for token in tokens),
        joined={one.lower + two.lower: (one.lower, two.lower) for one, two in pairwise(tokens)},
        quoted=quoted,
        code=frozenset(found.strip("`") for found in _CODE.findall(text)),
    )


def _tokens(plain: str) -> list[Token]:
    found = list(_TOKEN.finditer(plain))
    shouted = plain.upper() == plain
    titled = sum(match[0][:1].isupper() for match in found) > max(3, 0.7 * len(found))
    tokens = []
    for match in found:
        opens = match.start() == 0 or plain[: match.start()].rstrip()[-1:] in '.?!:\n"“'
        tokens.append(_token(match[0], opens=opens or titled, shouted=shouted))
    return tokens


def _token(written: str, *, opens: bool, shouted: bool) -> Token:
    words = lexicon()
    lower = written.lower().replace("’", "'").removesuffix("'s").replace(".", "" if written[-1] == "." else ".")
    if lower in words.number_words and lower != "second":
        return Token(written, lower, lower, Kind.NUMBER, False, words.number_words[lower])
    if any(character.isdigit() for character in written):
        value = _value(lower)
        return Token(written, lower, lower, Kind.IDENTIFIER if value is None else Kind.NUMBER, False, value)
    acronym = len(written) > 1 and written.isupper() and not shouted
    inner = any(character.isupper() for character in written[1:]) and not shouted
    name = acronym or inner or (written[0].isupper() and not opens and not shouted)
    if lower in words.functional and not (acronym and len(lower) > 3):
        return Token(written, lower, "a" if lower == "an" else lower, Kind.FUNCTION, False)
    return Token(written, lower, stem(lower), Kind.WORD, name)


def _value(lower: str) -> float | None:
    """A plain number; None for an identifier such as LN-5567, a date or a version."""
    match = re.fullmatch(r"([$€£₹#]?)([\d,]*\d(?:\.\d+)?)([a-z%]*)", lower)
    if not match or (match[3] and match[3] not in _SCALES and not _is_suffix(match[3])):
        return None
    return float(match[2].replace(",", "")) * _SCALES.get(match[3], 1)


def _is_suffix(letters: str) -> bool:
    return letters in {"%", "st", "nd", "rd", "th", "s"} or stem(letters) in lexicon().units


def _folded(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .?!,")
