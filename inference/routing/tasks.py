"""What kind of task a prompt is, by its wording alone: fast enough to ask on every call.

A wrong guess costs a little money or a little quality, never an answer, since every model has a quality for every
task. Of a long prompt only the start and the end are read: that is where instructions stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TASKS = (
    "code",
    "math",
    "reasoning",
    "extraction",
    "classification",
    "summarization",
    "translation",
    "creative",
    "qa",
    "chat",
)

_EDGE = 400  # characters read at either end

_POLITE = frozenset({"please", "kindly", "can", "could", "would", "you", "hi,", "hello,", "hey,", "now", "help", "me"})
_VERBS: Mapping[str, str] = {
    **dict.fromkeys(("translate",), "translation"),
    **dict.fromkeys(("summarize", "summarise", "condense", "shorten"), "summarization"),
    **dict.fromkeys(("classify", "categorize", "categorise", "label", "tag"), "classification"),
    **dict.fromkeys(("extract", "parse"), "extraction"),
    **dict.fromkeys(("implement", "refactor", "debug"), "code"),
    **dict.fromkeys(("calculate", "compute", "compute:", "solve", "simplify", "factor", "integrate"), "math"),
    **dict.fromkeys(("compose", "craft", "brainstorm", "imagine", "pretend", "invent", "picture"), "creative"),
}
_QUESTIONS = frozenset(
    {"who", "whom", "whose", "what", "what's", "which", "when", "where", "why", "how", "is", "are", "was", "were", "do",
     "does", "did", "explain", "define", "describe"}
)  # fmt: skip

_SECOND_CHOICE = re.compile(r"\n\s*\(?b[.):] ")
_CODE_MARKS = ("def ", "import ", ";\n", "{\n", "</", "#include", "```")
_CODE = re.compile(r"\bdef \w+\(|^(?:import|from) \w+|[;{]\n|</\w+>|#include |```", re.MULTILINE)
_FORMULA_MARKS = ("[asy]", "\\frac", "\\boxed", "\\sqrt", "\\times", "\\begin{", "\\angle", "\\overline", "$x", "x^2")

# Tried in this order; the first whose words are found decides. Words that also occur in questions come last.
_INSTRUCTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "code",
        ("write a function", "function to ", "function that ", "program to ", "program that ", "sql query", "python",
         "javascript", "typescript", "c++", "regular expression", "regex", "unit test", "stack trace", "traceback",
         "this code", "algorithm to "),
    ),
    ("translation", ("translate ", "translation of", "into french", "into spanish", "into german", "into english")),
    ("summarization", ("summarize", "summarise", "a summary", "tl;dr", "key points", "main points")),
    (
        "classification",
        ("classify", "sentiment", "categorize", "categorise", "which category", "spam or", "positive or negative",
         "positive, negative", "what is the intent"),
    ),
    (
        "extraction",
        ("extract ", "pull out", "named entit", "as json", "return json", "json dictionary", "as a csv",
         "find all mentions", "fill in the fields"),
    ),
    ("reasoning", ("different characteristics", "logic puzzle", "who is lying", "premise", "deduce")),
    (
        "math",
        ("solve for", "equation", "integral", "derivative", "probability", "calculate", "prove that", "polynomial",
         "perimeter", "divisible", "greatest common", "least common", "simplify", "inequality", "integer", "factorial",
         "how many ways", "how many different", "how many distinct", "find $"),
    ),
)  # fmt: skip
_CREATIVE = (
    "poem", " story", " song", "blog post", "an essay", "haiku", "limerick", "tagline", "slogan", "write an email",
    "write a letter", "cover letter", "product description", "come up with", "creative", "role of", "roleplay",
    "opening paragraph", "descriptive paragraph",
)  # fmt: skip
_REASONING = (
    "step by step", "step-by-step", "puzzle", "trade-off", "pros and cons", "root cause", "compare and contrast",
    "what could be the reason", "relationship between", "analyze", "analyse", "critique",
)  # fmt: skip

_DIGITS = re.compile(r"\d[\d,.]*")
_NUMBER_WORDS = frozenset(
    {"half", "twice", "thrice", "double", "triple", "third", "quarter", "dozen", "times", "two", "three", "four",
     "five", "six", "seven", "eight", "nine", "ten"}
)  # fmt: skip
_AMOUNTS = ("how many", "how much", "how long", "how old", "how far", "how fast", "how tall", "total", "average",
            "percent", "what fraction", "what is the", "what's ", "what was", "what will")  # fmt: skip


def detect_task(text: str) -> str:
    """One of TASKS. Empty text is chat."""
    if len(text) > 2 * _EDGE:
        text = f"{text[:_EDGE]}\n{text[-_EDGE:]}"
    lowered = text.lower()
    if "\n" in lowered and (_SECOND_CHOICE.search(lowered) or lowered.endswith("\nanswer:")):
        return "qa"
    verb = next((word for word in lowered[:80].split() if word not in _POLITE), "")
    return _VERBS.get(verb) or _by_marks(lowered) or _by_question(lowered, verb)


def _has(lowered: str, phrases: tuple[str, ...]) -> bool:
    """Whether one of them occurs. A loop: `any` over a generator costs twice as much, and there are a hundred."""
    for phrase in phrases:  # noqa: SIM110
        if phrase in lowered:
            return True
    return False


def _by_marks(lowered: str) -> str:
    """What the prompt contains or plainly asks for."""
    if _has(lowered, _FORMULA_MARKS):
        return "math"
    if _has(lowered, _CODE_MARKS) and _CODE.search(lowered):
        return "code"
    for task, phrases in _INSTRUCTIONS:
        if _has(lowered, phrases):
            return task
    return ""


def _by_question(lowered: str, verb: str) -> str:
    """A word problem, something to write, something to think through, a question, or small talk."""
    if _has(lowered, _AMOUNTS) and _quantities(lowered) >= 2:
        return "math"
    if verb not in _QUESTIONS and _has(lowered, _CREATIVE):
        return "creative"
    if _has(lowered, _REASONING):
        return "reasoning"
    if "?" in lowered or verb in _QUESTIONS:
        return "qa"
    return "creative" if lowered.count(", ") >= 6 and "." not in lowered else "chat"


def _quantities(lowered: str) -> int:
    return len(_DIGITS.findall(lowered)) + len(_NUMBER_WORDS.intersection(lowered.split()))
