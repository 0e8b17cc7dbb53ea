"""Files of meetings with questions about them, in QMSum's format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec


class MeetingsFileError(ValueError):
    """A file that is not of meetings with questions."""


class _Turn(msgspec.Struct):
    speaker: str
    content: str


class _Query(msgspec.Struct):
    query: str
    answer: str = ""
    relevant_text_span: list[tuple[int, int]] = []


class _Meeting(msgspec.Struct):
    meeting_transcripts: Annotated[list[_Turn], msgspec.Meta(min_length=1)]
    general_query_list: list[_Query] = []
    specific_query_list: list[_Query] = []


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the turns that its answer rests on; none where the whole meeting is meant."""

    question: str
    evidence: frozenset[int]


@dataclass(frozen=True, slots=True)
class Meeting:
    """`turns` are the lines of the document."""

    turns: tuple[str, ...]
    asked: tuple[Asked, ...]

    @property
    def text(self) -> str:
        return "".join(self.turns)


def read_meetings(path: Path) -> list[Meeting]:
    """One meeting a line. Raises MeetingsFileError."""
    decode = msgspec.json.Decoder(_Meeting, strict=False).decode
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [_meeting_of(decode(line)) for line in lines if line.strip()]
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise MeetingsFileError(f"{path}: {error}") from error


def _meeting_of(read: _Meeting) -> Meeting:
    turns = tuple(f"{turn.speaker}: {' '.join(turn.content.split())}\n" for turn in read.meeting_transcripts)
    queries: Sequence[_Query] = (*read.general_query_list, *read.specific_query_list)
    return Meeting(turns, tuple(Asked(query.query.strip(), _evidence_of(query)) for query in queries))


def _evidence_of(query: _Query) -> frozenset[int]:
    return frozenset(turn for first, last in query.relevant_text_span for turn in range(first, last + 1))
