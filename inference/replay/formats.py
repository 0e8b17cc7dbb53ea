"""The workload formats replay reads, told apart by their fields, each turned into questions with recorded answers.

A recorded answer is a text and a score from 0 to 1. Where a workload records only whether a model was right, its text
is a marker that names question, model and outcome, so that an answer that comes back is recognised, or is seen to be
somebody else's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

ANYONE = "*"
"""The recorded model of an answer that is right whoever gives it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Question:
    """One call to make: a chat body without its model, and what each recorded model answered.

    `weak` and `strong` name the recorded models that stand for the two by default. A question of wave 1 is asked after
    all of wave 0, so that a paraphrase meets a cache that knows its first form.
    """

    body: Mapping[str, Any]
    answers: Mapping[str, Recorded] = field(default_factory=dict)
    weak: str = ANYONE
    strong: str = ANYONE
    document: str = ""
    wave: int = 0

    @property
    def prompt(self) -> str:
        """The text of the last user message, by which the simulator knows a recording."""
        users = [message for message in self.body["messages"] if message.get("role") == "user"]
        content = users[-1].get("content") if users else ""
        return content if isinstance(content, str) else ""


@dataclass(frozen=True, slots=True)
class Format:
    """`marks` are the fields that tell the format; `row` is the type of a line; `parse` takes the lines to ask.

    `scores` of a line are those by which, over a whole file, the models that stand for weak and strong are chosen; None
    where each line names them.
    """

    name: str
    marks: frozenset[str]
    row: Any
    parse: Callable[[Sequence[Any]], list[Question]]
    scores: Callable[[Any], Mapping[str, float]] | None = None


class OutcomeRow(msgspec.Struct):
    """Two models' outcomes, with their texts where they were kept."""

    prompt: str
    weak_correct: bool | float
    strong_correct: bool | float
    weak_model: str = "weak"
    strong_model: str = "strong"
    weak_answer: str | None = None
    strong_answer: str | None = None


class PoolRow(msgspec.Struct):
    """Several models' scores from 0 to 1."""

    prompt: str
    score_by_model: dict[str, float]


class JudgedRow(msgspec.Struct):
    """Several models' marks from 1 to 10 for one turn of a conversation."""

    turns: list[str]
    turn: int
    scores: dict[str, float]


class IntentRow(msgspec.Struct):
    text: str
    intent: str


class PairRow(msgspec.Struct, kw_only=True):
    a: str
    b: str
    same: bool = False


class CachedPairRow(PairRow, kw_only=True):
    a: str = msgspec.field(name="cached")
    b: str = msgspec.field(name="query")


class SimilarPairRow(PairRow, kw_only=True):
    a: str = msgspec.field(name="origin")
    b: str = msgspec.field(name="similar")
    same: bool = True


class PassageRow(msgspec.Struct):
    question: str
    answers: list[str]
    text: str
    title: str = ""


class Utterance(msgspec.Struct):
    speaker: str
    content: str


class MeetingQuery(msgspec.Struct):
    query: str
    answer: str


class MeetingRow(msgspec.Struct):
    meeting_transcripts: list[Utterance]
    general_query_list: list[MeetingQuery] = []
    specific_query_list: list[MeetingQuery] = []


def ask(prompt: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}]}


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _marker(prompt: str, model: str, score: float) -> str:
    return f"[recorded answer {fingerprint(prompt)} by {model}, score {score:g}]"


def _parse_outcomes(rows: Sequence[OutcomeRow]) -> list[Question]:
    return [_outcome_question(row) for row in rows]


def _outcome_question(row: OutcomeRow) -> Question:
    weak, strong = float(row.weak_correct), float(row.strong_correct)
    answers = {
        row.weak_model: Recorded(row.weak_answer or _marker(row.prompt, row.weak_model, weak), weak),
        row.strong_model: Recorded(row.strong_answer or _marker(row.prompt, row.strong_model, strong), strong),
    }
    return Question(ask(row.prompt), answers, weak=row.weak_model, strong=row.strong_model)


def _parse_pool(rows: Sequence[PoolRow]) -> list[Question]:
    return [Question(ask(row.prompt), _scored(row.prompt, row.score_by_model)) for row in rows]


def _parse_judged(rows: Sequence[JudgedRow]) -> list[Question]:
    return [_judged_question(row) for row in rows]


def _judged_question(row: JudgedRow) -> Question:
    """The turn asked, after the earlier ones; their answers were not kept, so a marker stands for each."""
    if not 1 <= row.turn <= len(row.turns):
        raise ValueError(f"turn {row.turn} is not one of its {len(row.turns)} turns")
    messages: list[dict[str, str]] = []
    for earlier in row.turns[: row.turn - 1]:
        messages.append({"role": "user", "content": earlier})
        messages.append({"role": "assistant", "content": f"[earlier answer {fingerprint(earlier)}]"})
    prompt = row.turns[row.turn - 1]
    messages.append({"role": "user", "content": prompt})
    tenths = {model: mark / 10 for model, mark in row.scores.items()}
    return Question({"messages": messages}, _scored(prompt, tenths))


def _scored(prompt: str, scores: Mapping[str, float]) -> dict[str, Recorded]:
    return {model: Recorded(_marker(prompt, model, score), score) for model, score in scores.items()}


def pick_weak_and_strong(rows: Iterable[Mapping[str, float]]) -> tuple[str, str]:
    """Of the models that every row records, the median one by mean score and the best one."""
    totals: dict[str, list[float]] = {}
    count = 0
    for count, scores in enumerate(rows, 1):  # noqa: B007 - the count is used after the loop
        for model, score in scores.items():
            totals.setdefault(model, []).append(score)
    ranked = sorted((sum(scores), model) for model, scores in totals.items() if len(scores) == count)
    if not ranked:
        raise ValueError("no model has a score in every row")
    return ranked[(len(ranked) - 1) // 2][1], ranked[-1][1]


def _parse_stream(rows: Sequence[IntentRow]) -> list[Question]:
    return [Question(ask(row.text), {ANYONE: Recorded(f"[answer for intent {row.intent}]", 1.0)}) for row in rows]


def _parse_pairs(rows: Sequence[PairRow]) -> list[Question]:
    """Every distinct first question, then every second one. Questions joined by `same` pairs share one answer."""
    root = _group_same(rows)
    firsts = dict.fromkeys(row.a for row in rows)
    return [_grouped_question(text, root, 0) for text in firsts] + [_grouped_question(row.b, root, 1) for row in rows]


def _grouped_question(text: str, root: Callable[[str], str], wave: int) -> Question:
    return Question(ask(text), {ANYONE: Recorded(f"[answer {fingerprint(root(text))}]", 1.0)}, wave=wave)


def _group_same(rows: Sequence[PairRow]) -> Callable[[str], str]:
    """Union-find over the `same` pairs: gives the representative of a text's group."""
    parents: dict[str, str] = {}

    def root(text: str) -> str:
        while (parent := parents.get(text, text)) != text:
            parents[text] = text = parents.get(parent, parent)
        return text

    for row in rows:
        if row.same:
            parents[root(row.b)] = root(row.a)
    return root


def _parse_passages(rows: Sequence[PassageRow]) -> list[Question]:
    return [_passage_question(row) for row in rows]


def _passage_question(row: PassageRow) -> Question:
    passage = f"{row.title}\n{row.text}" if row.title else row.text
    prompt = f"Answer the question from the passage.\n\n{passage}\n\nQuestion: {row.question}"
    answers = {ANYONE: Recorded(row.answers[0], 1.0)} if row.answers else {}
    return Question(ask(prompt), answers)


def _parse_meetings(rows: Sequence[MeetingRow]) -> list[Question]:
    return [question for row in rows for question in _meeting_questions(row)]


def _meeting_questions(row: MeetingRow) -> list[Question]:
    """Every query about one transcript, the transcript first: the part that a provider's prompt cache can share."""
    transcript = "\n".join(f"{line.speaker}: {line.content}" for line in row.meeting_transcripts)
    return [
        Question(
            ask(f"Transcript of a meeting:\n{transcript}\n\nQuestion: {query.query}"),
            {ANYONE: Recorded(query.answer, 1.0)},
            document=f"meeting-{fingerprint(transcript)}",
        )
        for query in (*row.general_query_list, *row.specific_query_list)
    ]


def _parse_chats(rows: Sequence[dict[str, Any]]) -> list[Question]:
    return [_chat_question(row) for row in rows]


def _chat_question(row: dict[str, Any]) -> Question:
    """The body as it stands but for what a pass decides (the model) and what does not change the answer (streaming)."""
    messages = row["messages"]
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise ValueError("messages must be a list of objects, and not empty")
    return Question({name: value for name, value in row.items() if name not in {"model", "stream", "stream_options"}})


FORMATS = (
    Format("chat", frozenset({"messages"}), dict[str, Any], _parse_chats),
    Format("outcomes", frozenset({"prompt", "weak_correct", "strong_correct"}), OutcomeRow, _parse_outcomes),
    Format("pool", frozenset({"prompt", "score_by_model"}), PoolRow, _parse_pool, lambda row: row.score_by_model),
    Format("judged", frozenset({"turns", "turn", "scores"}), JudgedRow, _parse_judged, lambda row: row.scores),
    Format("stream", frozenset({"text", "intent"}), IntentRow, _parse_stream),
    Format("pairs", frozenset({"a", "b"}), PairRow, _parse_pairs),
    Format("pairs", frozenset({"cached", "query"}), CachedPairRow, _parse_pairs),
    Format("pairs", frozenset({"origin", "similar"}), SimilarPairRow, _parse_pairs),
    Format("passages", frozenset({"question", "answers", "text"}), PassageRow, _parse_passages),
    Format("meetings", frozenset({"meeting_transcripts"}), MeetingRow, _parse_meetings),
)


def detect_format(fields: Iterable[str]) -> Format | None:
    """The format whose telling fields are all there; None when it is none of ours."""
    present = frozenset(fields)
    return next((one for one in FORMATS if one.marks <= present), None)
