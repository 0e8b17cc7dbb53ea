"""Simulated answers: text, JSON or tool calls, decided by nothing but provider, model, request and seed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from inference.simulator import prose, tokens
from inference.simulator.chance import Chance
from inference.simulator.prompts import Prompt, Tool, ToolUse
from inference.simulator.recordings import RecordedAnswer, Recordings
from inference.simulator.schemas import Filler
from inference.simulator.tokens import Piece


class Finish(StrEnum):
    """Why an answer ended."""

    END = "end"
    LENGTH = "length"
    STOP = "stop"
    TOOLS = "tools"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is JSON for a tool with a schema, free text for one without; cut short when tokens ran out."""

    id: str
    name: str
    arguments: tuple[Piece, ...]
    free_text: bool

    @property
    def text(self) -> str:
        return tokens.text_of(self.arguments)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, in the pieces a stream would carry. `output_tokens` counts everything, hidden reasoning too."""

    text: tuple[Piece, ...]
    finish: Finish
    thoughts: tuple[Piece, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    reasoning_tokens: int = 0
    stop_sequence: str | None = None
    output_tokens: int = 0

    @property
    def thinking_tokens(self) -> int:
        return tokens.size_of(self.thoughts)


class Author:
    """Writes answers. Recorded ones go first; where the caller forces a tool call, only recorded calls."""

    def __init__(self, *, seed: int, recordings: Recordings) -> None:
        self._seed = str(seed).encode()
        self._recordings = recordings

    def answer(self, prompt: Prompt, *, choice: int = 0) -> Answer:
        """The answer to a prompt; `choice` numbers the alternatives when several were asked for."""
        chance = self._chance(prompt, choice)
        tools = _tools_to_call(prompt)
        forced = prompt.tool_rules.use in (ToolUse.MUST, ToolUse.ONE)
        recorded = self._recordings.find(prompt.model, prompt.question)
        calls = _recorded_calls(prompt, recorded, chance)
        thoughts = tokens.split(prose.compose_thoughts(prompt.question, chance)) if prompt.thinks_aloud else ()
        if calls:
            draft = Answer(text=(), finish=Finish.TOOLS, thoughts=thoughts, calls=calls)
        elif recorded is not None and not forced and (recorded.text or not recorded.calls):
            draft = Answer(text=tokens.split(recorded.text), finish=Finish.END, thoughts=thoughts)
        elif tools:
            draft = Answer(text=(), finish=Finish.TOOLS, thoughts=thoughts, calls=_calls(prompt, tools, chance))
        else:
            text, stop = _stopped(_written(prompt, chance), prompt.stop)
            finish = Finish.END if stop is None else Finish.STOP
            draft = Answer(text=tokens.split(text), finish=finish, thoughts=thoughts, stop_sequence=stop)
        return _limited(replace(draft, reasoning_tokens=_reasoning(prompt)), prompt.max_tokens)

    def _chance(self, prompt: Prompt, choice: int) -> Chance:
        rules = prompt.tool_rules
        return Chance.of(
            self._seed,
            prompt.provider.encode(),
            prompt.model.encode(),
            *(segment.text.encode() for segment in prompt.segments),
            f"{rules.use}{rules.name}{rules.parallel}{choice}".encode(),
            msgspec.json.encode(prompt.schema, order="sorted") if prompt.schema else b"",
            prompt.settings,
        )


def _reasoning(prompt: Prompt) -> int:
    """Reasoning takes at most half of what may be said, so that something is left to show."""
    wanted = prompt.reasoning_tokens
    return wanted if prompt.max_tokens is None else min(wanted, prompt.max_tokens // 2)


def _written(prompt: Prompt, chance: Chance) -> str:
    if prompt.schema is not None:
        filler = Filler(prompt.schema, words=prose.fillings(prompt.question), chance=chance)
        return msgspec.json.encode(filler.fill()).decode()
    text = prose.compose(prompt.question, chance)
    if prompt.wants_json:
        return msgspec.json.encode({"simulated": True, "answer": text}).decode()
    return text


def _stopped(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    """The text up to the first stop sequence, which is not part of it, and that sequence."""
    found = [(at, stop) for stop in stops if stop and (at := text.find(stop)) >= 0]
    if not found:
        return text, None
    at, stop = min(found)
    return text[:at], stop


def _tools_to_call(prompt: Prompt) -> tuple[Tool, ...]:
    """A question that names a tool, or says the word, gets a call; an answer to a tool's result is text."""
    rules = prompt.tool_rules
    if not rules.tools or rules.use is ToolUse.NEVER:
        return ()
    if rules.use is ToolUse.ONE:
        return tuple(tool for tool in rules.tools if tool.name == rules.name)
    if rules.use is ToolUse.MAY and prompt.after_tool:
        return ()
    question = prompt.question.lower()
    named = tuple(tool for tool in rules.tools if tool.name.lower() in question)
    if not named and (rules.use is ToolUse.MUST or re.search(r"\btools?\b", question)):
        named = rules.tools[:1]
    return named if rules.parallel else named[:1]


def _recorded_calls(prompt: Prompt, recorded: RecordedAnswer | None, chance: Chance) -> tuple[ToolCall, ...]:
    """What was recorded for functions that may be called here; after a tool's result, nothing."""
    rules = prompt.tool_rules
    if recorded is None or prompt.after_tool or rules.use is ToolUse.NEVER:
        return ()
    functions = (tool.name for tool in rules.tools if tool.schema is not None)
    open_to_call = {name for name in functions if rules.use is not ToolUse.ONE or name == rules.name}
    return tuple(
        ToolCall(chance.hex(24), call.name, tokens.split(msgspec.json.encode(call.arguments).decode()), free_text=False)
        for call in recorded.calls
        if call.name in open_to_call
    )


def _calls(prompt: Prompt, tools: tuple[Tool, ...], chance: Chance) -> tuple[ToolCall, ...]:
    words = prose.fillings(prompt.question.replace("_", " "))
    calls = []
    for tool in tools:
        usable = [word for word in words if word.lower() not in tool.name.lower()]
        if tool.schema is None:
            text = prose.topic_of(prompt.question)
        else:
            text = msgspec.json.encode(Filler(tool.schema, words=usable, chance=chance).fill()).decode()
        calls.append(ToolCall(chance.hex(24), tool.name, tokens.split(text), free_text=tool.schema is None))
    return tuple(calls)


def _limited(draft: Answer, limit: int | None) -> Answer:
    """Cut an answer where the tokens run out: reasoning is counted first, then thoughts, text and calls."""
    left = (10**9 if limit is None else limit) - draft.reasoning_tokens
    thoughts, left = _cut(draft.thoughts, left)
    text, left = _cut(draft.text, left)
    calls = []
    for call in draft.calls:
        name_tokens = tokens.count(call.name)
        arguments, after = _cut(call.arguments, left - name_tokens)
        if left > name_tokens:
            calls.append(replace(call, arguments=arguments))
        left = after
    complete = left >= 0
    spent = draft.reasoning_tokens + tokens.size_of(thoughts) + tokens.size_of(text)
    spent += sum(tokens.count(call.name) + tokens.size_of(call.arguments) for call in calls)
    return replace(
        draft,
        thoughts=thoughts,
        text=text,
        calls=tuple(calls),
        finish=draft.finish if complete else Finish.LENGTH,
        stop_sequence=draft.stop_sequence if complete else None,
        output_tokens=spent,
    )


def _cut(pieces: tuple[Piece, ...], left: int) -> tuple[tuple[Piece, ...], int]:
    """As many pieces as fit, and what is left; below zero once something did not fit."""
    if left < 0:
        return (), left
    size = tokens.size_of(pieces)
    if size <= left:
        return pieces, left - size
    kept: list[Piece] = []
    for piece in pieces:
        if piece.tokens > left:
            break
        kept.append(piece)
        left -= piece.tokens
    return tuple(kept), -1
