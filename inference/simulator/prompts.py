"""A request for an answer, the same for every provider: what is asked, within which limits, with which tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inference.simulator import tokens

TOKENS_PER_SEGMENT = 3
"""What the markers around a message cost."""


class ToolUse(StrEnum):
    """How far the caller wants tools used. `ONE` names the tool."""

    NEVER = "never"
    MAY = "may"
    MUST = "must"
    ONE = "one"


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call. A tool without a schema takes free text."""

    name: str
    schema: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ToolRules:
    tools: tuple[Tool, ...] = ()
    use: ToolUse = ToolUse.MAY
    name: str = ""
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the prompt in the order the model reads it. A cache mark ends a prefix worth keeping, for so long."""

    text: str
    cache_seconds: int | None = None
    extra_tokens: int = 0
    """What pictures and other attachments cost."""

    @property
    def tokens(self) -> int:
        return tokens.count(self.text) + TOKENS_PER_SEGMENT + self.extra_tokens


@dataclass(frozen=True, slots=True)
class Prompt:
    """`settings` are the sampling parameters that shape the answer, as canonical JSON.

    Limits (`max_tokens`, `stop`) are not among them: a shorter answer is the start of the longer one, and a streamed
    one says the same as a whole one.
    """

    provider: str
    model: str
    segments: tuple[Segment, ...]
    question: str
    after_tool: bool = False
    tool_rules: ToolRules = ToolRules()
    wants_json: bool = False
    schema: Mapping[str, Any] | None = None
    settings: bytes = b""
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    reasoning_tokens: int = 0
    """Hidden reasoning, which is billed but never shown."""
    thinks_aloud: bool = False
