"""The items of an answer: reasoning, a search, a message, calls of tools. Each knows how it looks while it grows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from inference.simulator import prose, tokens
from inference.simulator.answers import Answer, Finish, ToolCall
from inference.simulator.chance import Chance
from inference.simulator.openai.rendering import logprob_of
from inference.simulator.openai.responses.rules import ENCRYPTED
from inference.simulator.searching import WebSearch, cited_span
from inference.simulator.tokens import Piece

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One output item: as it begins, what is added to it piece by piece, and as it is when done."""

    start: Json
    done: Json
    pieces: tuple[Piece, ...] = ()
    start_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the request asked about the form of its output."""

    seals_reasoning: bool = False
    summarizes: bool = False
    names_sources: bool = False
    top_logprobs: int | None = None


NewId = Callable[[str], str]


def items_of(
    answer: Answer, *, question: str, search: WebSearch | None, wishes: Wishes, new_id: NewId
) -> tuple[Item, ...]:
    status = "incomplete" if answer.finish is Finish.LENGTH else "completed"
    items: list[Item] = []
    if answer.reasoning_tokens:
        items.append(_reasoning(answer, question, wishes, new_id))
    if search is not None:
        items.append(_search(search, wishes, new_id))
    if answer.text or not answer.calls:
        items.append(_message(answer, search, wishes, status, new_id))
    items += [_call(call, status, new_id) for call in answer.calls]
    return tuple(items)


def _reasoning(answer: Answer, question: str, wishes: Wishes, new_id: NewId) -> Item:
    """Hidden reasoning; a summary of it is shown on request and costs nothing of its own."""
    start: Json = {"id": new_id("rs_"), "type": "reasoning", "summary": []}
    done = dict(start)
    pieces: tuple[Piece, ...] = ()
    if wishes.summarizes:
        pieces = tokens.split(prose.compose_thoughts(question, Chance.of(b"summary", question.encode())))
        done["summary"] = [{"type": "summary_text", "text": tokens.text_of(pieces)}]
    if wishes.seals_reasoning:
        seal = hashlib.blake2b(f"{question}{answer.reasoning_tokens}".encode(), digest_size=48).hexdigest()
        done["encrypted_content"] = f"{ENCRYPTED}{seal}"
    return Item(start, done, pieces, answer.reasoning_tokens)


def _search(search: WebSearch, wishes: Wishes, new_id: NewId) -> Item:
    action: Json = {"type": "search", "query": search.query, "queries": [search.query]}
    if wishes.names_sources:
        action["sources"] = [{"type": "url", "url": page.url} for page in search.pages]
    start = {"id": new_id("ws_"), "type": "web_search_call", "status": "in_progress", "action": action}
    return Item(start, {**start, "status": "completed"})


def _message(answer: Answer, search: WebSearch | None, wishes: Wishes, status: str, new_id: NewId) -> Item:
    start = {"id": new_id("msg_"), "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    text = tokens.text_of(answer.text)
    part: Json = {"type": "output_text", "text": text, "annotations": _citations(text, search), "logprobs": []}
    if wishes.top_logprobs is not None:
        part["logprobs"] = [logprob_of(piece, wishes.top_logprobs) for piece in answer.text]
    return Item(start, {**start, "status": status, "content": [part]}, answer.text)


def _citations(text: str, search: WebSearch | None) -> Sequence[Json]:
    if search is None or not text:
        return []
    start, end = cited_span(text)
    page = search.pages[0]
    return [{"type": "url_citation", "start_index": start, "end_index": end, "title": page.title, "url": page.url}]


def _call(call: ToolCall, status: str, new_id: NewId) -> Item:
    start: Json = {"id": new_id("ctc_"), "type": "custom_tool_call", "status": "in_progress", "input": ""}
    field = "input"
    if not call.free_text:
        start = {"id": new_id("fc_"), "type": "function_call", "status": "in_progress", "arguments": ""}
        field = "arguments"
    start |= {"call_id": f"call_{call.id}", "name": call.name}
    done = {**start, "status": status, field: call.text}
    return Item(start, done, call.arguments, tokens.count(call.name))
