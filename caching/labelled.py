"""Files of labelled questions: pairs, replays and streams, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class LabelledFileError(ValueError):
    """A file is not what it should be; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Would the answer to `cached` be served for `asked`, and should it?"""

    cached: str
    asked: str
    same: bool
    category: str


@dataclass(frozen=True, slots=True)
class Rephrasing:
    """A text, and the same said in other words."""

    origin: str
    similar: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a stream: requests of one intent want one answer."""

    text: str
    intent: str


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """The rows of one file; exactly one of the three is not empty."""

    name: str
    pairs: tuple[Pair, ...] = ()
    rephrasings: tuple[Rephrasing, ...] = ()
    requests: tuple[Request, ...] = ()


_CATEGORIES = ("category", "test", "capability")


def read_labelled(path: Path) -> LabelledFile:
    """Reads a file of any of the three kinds, told by the fields of its first row. Raises LabelledFileError."""
    rows = _rows(path)
    fields = rows[0].keys()
    if {"a", "b"} <= fields:
        return LabelledFile(path.name, pairs=_pairs(path, rows, "a", "b"))
    if {"cached", "query"} <= fields:
        return LabelledFile(path.name, pairs=_pairs(path, rows, "cached", "query"))
    if {"origin", "similar"} <= fields:
        found = (Rephrasing(*_texts(path, number, row, "origin", "similar")) for number, row in enumerate(rows, 1))
        return LabelledFile(path.name, rephrasings=tuple(found))
    if {"text", "intent"} <= fields:
        stream = (Request(*_texts(path, number, row, "text", "intent")) for number, row in enumerate(rows, 1))
        return LabelledFile(path.name, requests=tuple(stream))
    raise LabelledFileError(
        f"{path}: line 1 has none of the known sets of fields: "
        "a, b, same; cached, query, same; origin, similar; text, intent"
    )


def _rows(path: Path) -> Sequence[Mapping[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LabelledFileError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise LabelledFileError(f"{path}: not a text file in UTF-8") from error
    rows = [_row(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise LabelledFileError(f"{path}: no rows")
    return rows


def _row(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise LabelledFileError(f"{path}: line {number} is not JSON: {error.msg}") from error
    if not isinstance(row, dict):
        raise LabelledFileError(f"{path}: line {number} is not an object")
    return row


def _pairs(path: Path, rows: Sequence[Mapping[str, Any]], cached: str, asked: str) -> tuple[Pair, ...]:
    pairs = []
    for number, row in enumerate(rows, 1):
        one, other = _texts(path, number, row, cached, asked)
        same = row.get("same")
        if same not in (True, False):
            raise LabelledFileError(f"{path}: row {number} has no `same` that is true or false")
        category = next((str(row[field]) for field in _CATEGORIES if row.get(field)), "all")
        pairs.append(Pair(one, other, bool(same), category))
    return tuple(pairs)


def _texts(path: Path, number: int, row: Mapping[str, Any], first: str, second: str) -> tuple[str, str]:
    one, other = row.get(first), row.get(second)
    if not isinstance(one, str) or not isinstance(other, str):
        raise LabelledFileError(f"{path}: row {number} has no text in `{first}` and `{second}`")
    return one, other
