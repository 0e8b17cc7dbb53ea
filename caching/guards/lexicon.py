"""The words that guards know: opposites, alternatives, synonyms, units and the like, read once from `lexicon.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_SUFFIXES = (
    ("iness", "y"),
    ("ies", "y"),
    ("ied", "y"),
    ("ying", "y"),
    ("sses", "ss"),
    ("xes", "x"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("ments", ""),
    ("ment", ""),
    ("ations", "ate"),
    ("ation", "ate"),
    ("ingly", ""),
    ("edly", ""),
    ("ings", ""),
    ("ing", ""),
    ("ily", "y"),
    ("ed", ""),
    ("ly", ""),
    ("s", ""),
)
_DOUBLED = frozenset("bdgmnprt")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Word classes by stem. `opposites` maps a stem to the stems that turn its meaning round."""

    functional: frozenset[str]
    filler: frozenset[str]
    negators: frozenset[str]
    units: frozenset[str]
    countries: frozenset[str]
    number_words: dict[str, float]
    synonyms: dict[str, frozenset[int]]
    opposites: dict[str, frozenset[str]]
    classes: dict[str, frozenset[int]]
    stopwords: dict[str, frozenset[str]]


@cache
def lexicon() -> Lexicon:
    """The lexicon, loaded when the first question is read."""
    data = _data()
    return Lexicon(
        functional=_functional(),
        filler=frozenset(data["filler"].split()),
        negators=frozenset(data["negators"].split()),
        units=_stems(data["units"]),
        countries=_stems(data["countries"]),
        number_words=data["number_words"],
        synonyms=_groups(data["synonyms"]),
        opposites=_opposites(data["antonyms"]),
        classes=_groups([*data["alternatives"], data["countries"]]),
        stopwords={name: frozenset(words.split()) for name, words in data["stopwords"].items()},
    )


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(Path(__file__).with_name("lexicon.json").read_text())
    return data


@cache
def _functional() -> frozenset[str]:
    return frozenset(_data()["functional"].split())


@cache
def _irregular() -> dict[str, str]:
    irregular: dict[str, str] = _data()["irregular"]
    return irregular


def stem(word: str) -> str:
    """The form under which inflections of a word meet. Crude on purpose: both sides are treated alike."""
    irregular = _irregular().get(word)
    if irregular:
        return irregular
    if len(word) <= 3 or not word.isalpha() or word.endswith(("ss", "us", "is")):
        return word
    for suffix, ending in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return _tidy(word[: len(word) - len(suffix)] + ending)
    return _tidy(word)


def _tidy(root: str) -> str:
    """`stopp` and `stop`, `manag` and `manage` are one."""
    if len(root) > 3 and root[-1] == root[-2] and root[-1] in _DOUBLED:
        return root[:-1]
    return root[:-1] if len(root) > 3 and root.endswith("e") else root


def _stems(words: str) -> frozenset[str]:
    """As readings have them: function words stay as they are."""
    functional = _functional()
    return frozenset(word if word in functional else stem(word) for word in words.split())


def _groups(lines: list[str]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(lines):
        for word in _stems(line):
            found.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


def _opposites(lines: list[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in lines:
        one, other = (_stems(side) for side in line.split("|"))
        for word in one:
            found.setdefault(word, set()).update(other - one)
        for word in other:
            found.setdefault(word, set()).update(one - other)
    return {word: frozenset(words) for word, words in found.items()}
