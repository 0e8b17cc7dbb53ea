"""Recorded answers: a prompt found here is answered with exactly the recorded text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

ANY_MODEL = "*"


class RecordedAnswer(msgspec.Struct, frozen=True):
    """`prompt` is the exact text of the last user message; `model` may be `*`."""

    model: str
    prompt: str
    text: str


class Recordings:
    """Answers by model and prompt; one recorded for a model goes before one recorded for any."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], str] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, answers: Iterable[RecordedAnswer]) -> None:
        self._texts.update(((answer.model, answer.prompt), answer.text) for answer in answers)

    def clear(self) -> None:
        self._texts.clear()

    def find(self, model: str, prompt: str) -> str | None:
        if not self._texts:
            return None
        exact = self._texts.get((model, prompt))
        return exact if exact is not None else self._texts.get((ANY_MODEL, prompt))


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
