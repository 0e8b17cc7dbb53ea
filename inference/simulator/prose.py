"""Short, helpful-sounding sentences about the prompt that never hide that they are simulated."""

from __future__ import annotations

import re

from inference.simulator.chance import Chance

_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_SENTENCE_END = re.compile(r"[.!?\n]")
_QUESTION = re.compile(
    r"^(?:please|can you|could you|would you|tell me|explain|describe|write|give me|what is|what are|what's|who is|"
    r"how do i|how does|how do|how can i|how to|why is|why do|why does|when did|where is|list|summari[sz]e|translate)"
    r"\s+",
    re.IGNORECASE,
)
_COMMON_WORDS = """
about after again also because been before being between both could does doing down during each from further have having
here into itself just more most other over same should some such than that their them then there these they this those
through under until very what when where which while will with would your please answer question give tell write make
using used only must
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_OPENINGS = (
    "This is a simulated answer about {topic}.",
    "Simulated answer: here is a short view of {topic}.",
    "Here is what a model might say about {topic}; this text is simulated.",
    "A simulated reply on {topic} follows.",
)
_MIDDLES = (
    "It helps to look at {a} first and to come to {b} afterwards.",
    "The part that matters most is {a}, since {b} depends on it.",
    "In practice {a} and {b} are best treated as two separate questions.",
    "A good first step is to write down what is already known about {a}.",
    "Where {a} is unclear, a small example with {b} usually settles it.",
    "Many mistakes with {a} come from overlooking {b}.",
    "Compare {a} with {b} before deciding, and keep a note of the reason.",
)
_ENDINGS = (
    "No real model was asked, so treat this as a placeholder.",
    "With a provider key set, a real model would answer here.",
    "The wording depends only on the request, so asking again gives the same text.",
)


def keywords(prompt: str, limit: int = 6) -> list[str]:
    """The prompt's telling words, names first, each once, in order."""
    words = list(dict.fromkeys(_WORD.findall(prompt[-4000:])))
    found = _names_among(words)
    telling = [word for word in words if len(word) > 3 and word.lower() not in _COMMON and word not in found]
    return (found + telling)[:limit]


def fillings(prompt: str) -> list[str]:
    """Words to fill a form with: the prompt's names, or what is telling in it when it has none."""
    return _names_among(list(dict.fromkeys(_WORD.findall(prompt[-4000:])))) or keywords(prompt)


def _names_among(words: list[str]) -> list[str]:
    """Words with a capital letter, except the first, which has one anyway."""
    return [word for index, word in enumerate(words) if index and word[0].isupper() and len(word) > 2]


def topic_of(prompt: str) -> str:
    """What the prompt is about: the start of its last sentence, without the asking."""
    sentences = [part.strip() for part in _SENTENCE_END.split(prompt[-2000:]) if part.strip()]
    if not sentences:
        return "an empty prompt"
    topic = _QUESTION.sub("", sentences[-1])
    words = topic.split()
    return " ".join(words[:10]) + ("…" if len(words) > 10 else "")


def compose(prompt: str, chance: Chance) -> str:
    """Three to five sentences, about 30 to 80 tokens."""
    words = keywords(prompt)
    if len(words) < 2:
        words = [*words, "the question", "the answer"]
    sentences = [chance.pick(_OPENINGS).format(topic=topic_of(prompt))]
    start = chance.below(len(_MIDDLES))
    for offset in range(chance.between(1, 3)):
        template = _MIDDLES[(start + offset) % len(_MIDDLES)]
        first = chance.below(len(words))
        sentences.append(template.format(a=words[first], b=words[first - 1]))
    sentences.append(chance.pick(_ENDINGS))
    return " ".join(sentences)


def compose_thoughts(prompt: str, chance: Chance) -> str:
    """What stands in a simulated thinking block."""
    words = keywords(prompt) or ["the question"]
    return (
        f"(Simulated thinking.) The request is about {topic_of(prompt)}. I should cover {chance.pick(words)} "
        f"and keep it short."
    )
