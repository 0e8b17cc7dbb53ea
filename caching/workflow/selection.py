"""Choosing the passages of a document that a question is most likely about: by their words, and by their meaning.

What is not chosen is not read by the model, so this is a risk, and taken only where it is asked for. How much of what
answers rest on was kept is measured by `manage.py workflow_eval` on labelled documents, and stands in `risk.json`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PASSAGE = 300
"""How far "near" reaches when a document is cut into passages: see `caching.workflow.segmentation`."""

_WORDS = re.compile(r"\w+")
_COMMON: frozenset[str] = frozenset(
    _WORDS.findall(
        "a about an and are as at be by did do does for from had has have how in is it its of on or say said that the "
        "their them they this to was were what when where which who why will with would think discuss summarize meeting"
    )
)
_SATURATION, _LENGTH = 1.5, 0.75
_OF_NEIGHBOURS = 0.35
"""What a passage gains from those beside it: what answers rest on is seldom one passage alone."""

_RISK = Path(__file__).with_name("risk.json")


def choose(
    question: str, passages: Sequence[str], budget: float, *,
    question_vector: NDArray[np.float32] | None = None, vectors: NDArray[np.float32] | None = None,
) -> list[int]:  # fmt: skip
    """The places of the best passages, in the document's order, that together are at most `budget` of its length (the
    best one is always among them). Without vectors by words alone."""
    scores = _scaled(_by_words(question, passages))
    if vectors is not None and question_vector is not None:
        meanings = _scaled([float(similarity) for similarity in vectors @ question_vector])
        scores = [(words + meaning) / 2 for words, meaning in zip(scores, meanings, strict=True)]
    scores = _with_neighbours(scores)
    room, chosen = budget * sum(map(len, passages)), list[int]()
    for place in sorted(range(len(passages)), key=lambda place: -scores[place]):
        if chosen and len(passages[place]) > room:
            continue
        chosen.append(place)
        room -= len(passages[place])
    return sorted(chosen)


def evidence_kept(budget: float) -> float | None:
    """Of what the answers in the labelled sample rest on, how much was kept with a budget like this, or the next lower
    one that was measured. None below all of them."""
    measured = [kept for share, kept in measured_risk() if share <= budget + 1e-9]
    return measured[-1] if measured else None


@cache
def measured_risk() -> tuple[tuple[float, float], ...]:
    """What share was kept by what budget."""
    return tuple((row["budget"], row["evidence_kept"]) for row in json.loads(_RISK.read_text())["budgets"])


def _by_words(question: str, passages: Sequence[str]) -> list[float]:
    """Okapi's BM25."""
    wanted = set(_words_of(question))
    counts = [Counter(_words_of(passage)) for passage in passages]
    lengths = [counted.total() for counted in counts]
    average = sum(lengths) / max(len(lengths), 1) or 1.0
    weights = {word: _rarity(sum(word in counted for counted in counts), len(passages)) for word in wanted}
    return [
        sum(
            weights[word] * counted[word] * (_SATURATION + 1)
            / (counted[word] + _SATURATION * (1 - _LENGTH + _LENGTH * length / average))
            for word in wanted if counted[word]
        )
        for counted, length in zip(counts, lengths, strict=True)
    ]  # fmt: skip


def _rarity(found: int, of: int) -> float:
    return math.log(1 + (of - found + 0.5) / (found + 0.5))


def _words_of(text: str) -> list[str]:
    return [_stem(word) for word in _WORDS.findall(text.lower()) if word not in _COMMON]


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _scaled(scores: Sequence[float]) -> list[float]:
    """To 0…1."""
    least, most = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - least) / ((most - least) or 1.0) for score in scores]


def _with_neighbours(scores: Sequence[float]) -> list[float]:
    padded = [0.0, *scores, 0.0]
    return [
        score + _OF_NEIGHBOURS * (before + after)
        for before, score, after in zip(padded, scores, padded[2:], strict=False)
    ]
