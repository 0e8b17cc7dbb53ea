"""Questions changed on purpose, for training the gate: edits that change what is asked but keep most of the words."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from caching.guards.reading import read

_QUALIFIERS = (
    "in India",
    "in the UK",
    "for beginners",
    "for free",
    "for students",
    "for children",
    "without a degree",
    "without money",
    "as a student",
    "with examples",
    "at home",
    "at night",
    "online",
    "on a phone",
    "on Windows",
    "by hand",
    "at work",
    "in school",
    "in winter",
    "from abroad",
    "from scratch",
    "for a small business",
    "in high school",
    "on weekends",
    "for women",
    "for men",
    "in an emergency",
    "at an airport",
)
_MODIFIERS = (
    "cheap",
    "new",
    "old",
    "small",
    "private",
    "public",
    "local",
    "free",
    "personal",
    "modern",
    "simple",
    "medical",
    "legal",
    "digital",
    "secret",
)
_LEAST_WORDS, _MOST_WORDS = 4, 20


def change_meaning(questions: Sequence[str], *, seed: int) -> Iterator[tuple[str, str]]:
    """Pairs of a question and an edit of it that asks something else."""
    source = random.Random(seed)  # noqa: S311 - reproducible on purpose
    words = sorted(
        {token.written for question in questions for token in read(question).content if token.written.isalpha()}
    )
    for question in questions:
        if not _LEAST_WORDS <= len(question.split()) <= _MOST_WORDS:
            continue
        edited = _edit(question, words, source)
        if edited is not None:
            yield question, edited


def _edit(question: str, vocabulary: Sequence[str], source: random.Random) -> str | None:
    """One content word replaced or left out, or a qualifier or modifier put in."""
    words = question.rstrip(" ?.!").split()
    places = [place for place, word in enumerate(words) if read(word).content]
    if len(places) < 3:
        return None
    place, kind = source.choice(places), source.random()
    if kind < 0.4:
        words[place] = source.choice(vocabulary)
    elif kind < 0.65:
        words.append(source.choice(_QUALIFIERS))
    elif kind < 0.75:
        words.insert(place, source.choice(_MODIFIERS))
    else:
        del words[place]
    return " ".join(words) + "?"
