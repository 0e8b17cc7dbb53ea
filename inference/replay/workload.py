"""Reads workload files into one list of questions, and settles which recorded model stands for weak and for strong."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from inference.replay.formats import ANYONE, Format, Question, Recorded, detect_format, pick_weak_and_strong


class WorkloadError(ValueError):
    """A file, a line of it, or a recorded model that cannot be used; says which."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of the workload. `digest` is of its bytes; `rows` are those taken, `questions` what they turned into."""

    name: str
    format: str
    rows: int
    questions: int
    digest: str


@dataclass(frozen=True, slots=True)
class Item:
    """A question, the index of its source, and the recorded answers that count as its own, by recorded model."""

    question: Question
    source: int


@dataclass(frozen=True, slots=True)
class Workload:
    sources: tuple[Source, ...]
    items: tuple[Item, ...]

    @property
    def is_recorded(self) -> bool:
        return any(item.question.answers for item in self.items)


def read_workload(paths: Sequence[Path], *, limit: int | None, shuffle: int | None) -> Workload:
    """All questions of the files. `limit` takes that many rows of each file, after `shuffle` (a seed) mixed them."""
    sources: list[Source] = []
    items: list[Item] = []
    for index, path in enumerate(paths):
        source, questions = _read_source(path, limit=limit, shuffle=shuffle)
        sources.append(source)
        items += [Item(question, index) for question in questions]
    if not items:
        raise WorkloadError("there is nothing to ask in " + ", ".join(source.name for source in sources))
    if shuffle is not None:
        _shuffle(items, shuffle)
    items.sort(key=lambda item: item.question.wave)
    return Workload(tuple(sources), tuple(_share_recordings(items)))


def _read_source(path: Path, *, limit: int | None, shuffle: int | None) -> tuple[Source, list[Question]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WorkloadError(f"{path}: {error.strerror}") from error
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    if not lines:
        raise WorkloadError(f"{path}: the file is empty")
    kind = _detect(path, *lines[0])
    rows = [_decode(path, number, line, kind.row) for number, line in lines]
    if shuffle is not None:
        _shuffle(rows, shuffle)
    taken = rows[:limit]
    try:
        questions = _parse(kind, rows, taken)
    except ValueError as error:
        raise WorkloadError(f"{path}: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    return Source(path.name, kind.name, len(taken), len(questions), digest), questions


def _parse(kind: Format, rows: Sequence[Any], taken: Sequence[Any]) -> list[Question]:
    """The questions of the rows taken; who stands for weak and strong is decided by all rows, whatever the limit."""
    questions = kind.parse(taken)
    if kind.scores is None:
        return questions
    weak, strong = pick_weak_and_strong(kind.scores(row) for row in rows)
    return [replace(question, weak=weak, strong=strong) for question in questions]


def _shuffle(things: list[Any], seed: int) -> None:
    random.Random(seed).shuffle(things)  # noqa: S311 - an order that can be repeated, not a secret


def _detect(path: Path, number: int, line: bytes) -> Format:
    fields = _decode(path, number, line, dict[str, Any])
    kind = detect_format(fields)
    if kind is None:
        raise WorkloadError(f"{path}:{number}: no workload format has the fields {', '.join(sorted(fields))}")
    return kind


def _decode(path: Path, number: int, line: bytes, row: Any) -> Any:
    try:
        return msgspec.json.decode(line, type=row)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WorkloadError(f"{path}:{number}: {error}") from error


def _share_recordings(items: Sequence[Item]) -> list[Item]:
    """Gives the same question the same recorded text everywhere: the simulator, like a cache, can tell only its first.

    The score stays the row's own, so that a pass without a router or a cache scores exactly what the file records.
    """
    first: dict[tuple[str, str], str] = {}
    return [replace(item, question=_with_first_texts(item.question, first)) for item in items]


def _with_first_texts(question: Question, first: dict[tuple[str, str], str]) -> Question:
    answers = {
        model: Recorded(first.setdefault((model, question.prompt), recorded.text), recorded.score)
        for model, recorded in question.answers.items()
    }
    return replace(question, answers=answers)


@dataclass(frozen=True, slots=True)
class Stand:
    """A registered model, and the recorded one it stands for; None: the workload's own choice for this part."""

    registered: str
    recorded: str | None = None

    @classmethod
    def parse(cls, text: str) -> Stand:
        """`gpt-6-luna`, or `gpt-6-luna=the recorded model's name`."""
        registered, separator, recorded = text.partition("=")
        if not registered or (separator and not recorded):
            raise WorkloadError(f"{text!r} must be a registered model, or REGISTERED=RECORDED")
        return cls(registered, recorded or None)

    def stands_for(self, question: Question, default: str) -> Recorded | None:
        """What the registered model will answer to the question; None when nothing is recorded."""
        answers: Mapping[str, Recorded] = question.answers
        return answers.get(self.recorded or default) or answers.get(ANYONE)


def check_stands(workload: Workload, *stands: Stand) -> None:
    """Refuses a recorded model that some part of the workload does not know, rather than replay half of it."""
    for stand in stands:
        if stand.recorded is None:
            continue
        for item in workload.items:
            answers = item.question.answers
            if answers and stand.recorded not in answers and ANYONE not in answers:
                known = ", ".join(sorted(answers))
                name = workload.sources[item.source].name
                raise WorkloadError(f"{name} has no recordings of {stand.recorded!r}; it has: {known}")


def describe_stand(workload: Workload, stand: Stand, role: str) -> list[str]:
    """The recorded models that a registered one stands for, over the whole workload."""
    names = (stand.recorded or getattr(item.question, role) for item in workload.items if item.question.answers)
    return [name for name in dict.fromkeys(names) if name != ANYONE]
