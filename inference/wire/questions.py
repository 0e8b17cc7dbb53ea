"""The question a request ends in, apart from everything else it says.

T2 compares only that question by meaning; the rest must be equal to the letter. So a request has one only when it ends
in plain words of the user: an image, a tool's result, or a marked-up part cannot be compared this way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """`text` is what is asked; `rest` is the request without it."""

    text: str
    rest: dict[str, Any]


def question_in(body: Mapping[str, Any], field: str) -> Question | None:
    """The text of the last turn in the list `body[field]`, when it is the user's and nothing but text."""
    turns = body[field]
    last = turns[-1] if turns else None
    if not isinstance(last, dict) or last.get("role") != "user":
        return None
    text = _plain_text(last.get("content"))
    if text is None:
        return None
    return Question(text, {**body, field: [*turns[:-1], {**last, "content": None}]})


def _plain_text(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        part = content[0]
        text = part.get("text")
        if part.keys() == {"type", "text"} and part["type"] in ("text", "input_text") and isinstance(text, str):
            return text
    return None
