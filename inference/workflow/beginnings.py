"""The beginnings of a prompt that later prompts may share: after each turn, and before the question at its end.

Only long ones count. A provider caches none that are shorter, and to look for them costs more than it brings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from inference.domain import Cut, Order, Wire
from inference.workflow.questions import question_begins

LONG = 4_000
"""Characters: about a thousand tokens, the least that most providers cache."""
CHARACTERS_PER_TOKEN = 4
_MOST = 8

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Beginning:
    """`digest` is of all that stands before `cut`, to the letter, and of what decides which model reads it."""

    cut: Cut
    digest: bytes
    characters: int

    @property
    def tokens(self) -> int:
        """About so many."""
        return self.characters // CHARACTERS_PER_TOKEN


def beginnings_of(order: Order) -> tuple[Beginning, ...]:
    """The long ones, the shortest first; none for an ordinary prompt, after a glance."""
    call = order.call
    if call.input_token_bound < LONG or call.wire is Wire.EMBEDDINGS:
        return ()
    turns = turns_of(call.body)
    if not turns:
        return ()
    found = [beginning for beginning in _walk(order, turns) if beginning.characters >= LONG]
    return (*found[:1], *found[1:][-_MOST:])


def turns_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of any wire; a bare text of the responses wire is none."""
    turns = body.get("messages") or body.get("input")
    return turns if isinstance(turns, list) else []


def text_of(turn: Mapping[str, Any]) -> str | None:
    """The text of a turn that is nothing else."""
    content = turn.get("content")
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        content = content[0].get("text")
    return content if isinstance(content, str) else None


def _walk(order: Order, turns: list[dict[str, Any]]) -> Iterator[Beginning]:
    body, characters = order.call.body, 0
    digest = hashlib.blake2b(f"{order.call.wire}\0{order.intent}\0".encode(), digest_size=16)
    for apart in ("tools", "instructions", "system"):
        if body.get(apart):
            digest.update(_encode(body[apart]))
            characters += size_of(body[apart])
    if body.get("system"):
        yield Beginning(Cut(-1), digest.copy().digest(), characters)
    for place, turn in enumerate(turns[:-1]):
        digest.update(_encode(turn))
        characters += size_of(turn.get("content"))
        yield Beginning(Cut(place), digest.copy().digest(), characters)
    last = turns[-1]
    text = text_of(last) if last.get("role") == "user" else None
    if text is not None and (at := question_begins(text)):
        digest.update(text[:at].encode("utf-8", "replace"))
        yield Beginning(Cut(len(turns) - 1, at), digest.digest(), characters + at)


def size_of(content: Any) -> int:
    """The characters of all text in it."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, list):
        return sum(map(size_of, content))
    if isinstance(content, dict):
        return sum(size_of(value) for name, value in content.items() if name not in ("data", "url", "image_url"))
    return 0
