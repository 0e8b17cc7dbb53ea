"""Recorded answers: a prompt found here is answered with exactly the recorded text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

ANY_MODEL = "*"


class RecordedCall(msgspec.Struct, frozen=True):
    """A call of a function, made when one of this name is offered and no tool has answered yet."""

    name: str
    arguments: dict[str, Any]


class RecordedAnswer(msgspec.Struct, frozen=True):
    """`prompt` is the exact text of the last user message; `model` may be `*`."""

    model: str
    prompt: str
    text: str
    calls: tuple[RecordedCall, ...] = ()


class Recordings:
    """Answers by model and prompt; one recorded for a model goes before one recorded for any."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], RecordedAnswer] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, answers: Iterable[RecordedAnswer]) -> None:
        self._answers.update(((answer.model, answer.prompt), answer) for answer in answers)

    def clear(self) -> None:
        self._answers.clear()

    def find(self, model: str, prompt: str) -> RecordedAnswer | None:
        if not self._answers:
            return None
        exact = self._answers.get((model, prompt))
        return exact if exact is not None else self._answers.get((ANY_MODEL, prompt))


def read_recordings(path: Path) -> list[RecordedAnswer]:
    """Read a JSON lines file; blank lines are skipped, a line of another shape is an error that names its number."""
    decoder = msgspec.json.Decoder(RecordedAnswer)
    answers = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                answers.append(decoder.decode(line))
            except msgspec.DecodeError as error:
                raise ValueError(f"{path}, line {number}: {error}") from error
    return answers
