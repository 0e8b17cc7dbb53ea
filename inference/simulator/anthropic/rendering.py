"""Anthropic's answers: one message, or events that build it block by block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from inference.simulator import tokens
from inference.simulator.answers import Answer, Finish, ToolCall
from inference.simulator.prefixes import CacheUse
from inference.simulator.replies import Event
from inference.simulator.searching import WebSearch

_STOP_REASONS = {
    Finish.END: "end_turn",
    Finish.STOP: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOLS: "tool_use",
}


@dataclass(frozen=True, slots=True)
class Content:
    """What is shown of an answer. A search was done before it was written."""

    answer: Answer
    shows_thoughts: bool = True
    search: WebSearch | None = None


def usage_of(answer: Answer, *, prompt_tokens: int, cache: CacheUse, searches: int) -> dict[str, Any]:
    """`input_tokens` is what was neither read from the cache nor written to it."""
    used: dict[str, Any] = {"web_search_requests": searches, "web_fetch_requests": 0} if searches else {}
    return {
        "input_tokens": prompt_tokens - cache.read - cache.written,
        "cache_creation_input_tokens": cache.written,
        "cache_read_input_tokens": cache.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": cache.written - cache.written_1h,
            "ephemeral_1h_input_tokens": cache.written_1h,
        },
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"thinking_tokens": answer.thinking_tokens},
        "server_tool_use": used or None,
        "inference_geo": "not_available",
    }


def whole(content: Content, *, message_id: str, model: str, usage: dict[str, Any]) -> bytes:
    answer = content.answer
    blocks: list[dict[str, Any]] = []
    if answer.thoughts:
        blocks.append(_thinking(answer, shown=content.shows_thoughts))
    if content.search:
        blocks += _search_blocks(content.search, message_id)
    if answer.text:
        block: dict[str, Any] = {"type": "text", "text": tokens.text_of(answer.text)}
        blocks.append(block | ({"citations": [_citation(content)]} if content.search else {}))
    blocks += [_tool_use(call, _input_of(call)) for call in answer.calls]
    message = _message(message_id, model, usage)
    message.update(content=blocks, stop_reason=_STOP_REASONS[answer.finish], stop_sequence=answer.stop_sequence)
    return msgspec.json.encode(message)


def events(content: Content, *, message_id: str, model: str, usage: dict[str, Any]) -> Iterator[Event]:
    """The first event's usage names one output token, as the provider does; the last one's is the truth."""
    answer = content.answer
    start = _message(message_id, model, {**usage, "output_tokens": min(1, answer.output_tokens)})
    yield _event("message_start", {"message": start})
    for index, block in enumerate(_blocks(content, message_id)):
        for number, (name, body, count) in enumerate(block):
            yield _event(name, {"index": index, **body}, count)
            if index == 0 and number == 0:
                yield _event("ping", {})
    totals = {key: usage[key] for key in usage if key not in _ONLY_AT_START}
    delta = {"stop_reason": _STOP_REASONS[answer.finish], "stop_sequence": answer.stop_sequence}
    yield _event("message_delta", {"delta": delta, "usage": totals})
    yield _event("message_stop", {})


_ONLY_AT_START = ("cache_creation", "service_tier", "inference_geo", "speed")
BlockEvent = tuple[str, dict[str, Any], int]


def _blocks(content: Content, message_id: str) -> Iterator[Iterable[BlockEvent]]:
    answer = content.answer
    if answer.thoughts:
        yield _thinking_block(answer, shown=content.shows_thoughts)
    if content.search:
        used, found = _search_blocks(content.search, message_id)
        yield _search_use(used)
        yield [("content_block_start", {"content_block": found}, 0), ("content_block_stop", {}, 0)]
    if answer.text:
        yield _text_block(content)
    for call in answer.calls:
        yield _tool_block(call)


def _search_blocks(search: WebSearch, message_id: str) -> list[dict[str, Any]]:
    """The use of the provider's own tool, and what it found."""
    tool_use_id = f"srvtoolu_{message_id.removeprefix('msg_')}"
    pages = [
        {
            "type": "web_search_result",
            "url": page.url,
            "title": page.title,
            "encrypted_content": _sealed(page.text),
            "page_age": None,
        }
        for page in search.pages
    ]
    return [
        {"type": "server_tool_use", "id": tool_use_id, "name": "web_search", "input": {"query": search.query}},
        {"type": "web_search_tool_result", "tool_use_id": tool_use_id, "content": pages},
    ]


def _search_use(used: dict[str, Any]) -> Iterator[BlockEvent]:
    """The provider writes the query itself and does not count it as output."""
    yield "content_block_start", {"content_block": {**used, "input": {}}}, 0
    asked = {"type": "input_json_delta", "partial_json": msgspec.json.encode(used["input"]).decode()}
    yield "content_block_delta", {"delta": asked}, 0
    yield "content_block_stop", {}, 0


def _citation(content: Content) -> dict[str, Any]:
    assert content.search is not None
    page = content.search.pages[0]
    where = {"url": page.url, "title": page.title, "encrypted_index": _sealed(page.url)}
    return {"type": "web_search_result_location", "cited_text": page.text, **where}


def _sealed(text: str) -> str:
    return "sim_" + hashlib.blake2b(text.encode(), digest_size=24).hexdigest()


def _thinking_block(answer: Answer, *, shown: bool) -> Iterator[BlockEvent]:
    yield "content_block_start", {"content_block": {"type": "thinking", "thinking": "", "signature": ""}}, 0
    if shown:
        for piece in answer.thoughts:
            yield "content_block_delta", {"delta": {"type": "thinking_delta", "thinking": piece.text}}, piece.tokens
    signature = {"type": "signature_delta", "signature": _signature(answer)}
    yield "content_block_delta", {"delta": signature}, 0 if shown else answer.thinking_tokens
    yield "content_block_stop", {}, 0


def _text_block(content: Content) -> Iterator[BlockEvent]:
    cited: dict[str, Any] = {"citations": []} if content.search else {}
    yield "content_block_start", {"content_block": {"type": "text", "text": "", **cited}}, 0
    if content.search:
        yield "content_block_delta", {"delta": {"type": "citations_delta", "citation": _citation(content)}}, 0
    for piece in content.answer.text:
        yield "content_block_delta", {"delta": {"type": "text_delta", "text": piece.text}}, piece.tokens
    yield "content_block_stop", {}, 0


def _tool_block(call: ToolCall) -> Iterator[BlockEvent]:
    yield "content_block_start", {"content_block": _tool_use(call, {})}, tokens.count(call.name)
    yield "content_block_delta", {"delta": {"type": "input_json_delta", "partial_json": ""}}, 0
    for piece in call.arguments:
        delta = {"type": "input_json_delta", "partial_json": piece.text}
        yield "content_block_delta", {"delta": delta}, piece.tokens
    yield "content_block_stop", {}, 0


def _event(name: str, body: dict[str, Any], count: int = 0) -> Event:
    return Event(b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode({"type": name, **body})), count)


def _message(message_id: str, model: str, usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _thinking(answer: Answer, *, shown: bool) -> dict[str, Any]:
    text = tokens.text_of(answer.thoughts) if shown else ""
    return {"type": "thinking", "thinking": text, "signature": _signature(answer)}


def _signature(answer: Answer) -> str:
    text = tokens.text_of(answer.thoughts)
    return "sim_" + hashlib.blake2b(text.encode(), digest_size=32).hexdigest()


def _tool_use(call: ToolCall, filled: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": filled}


def _input_of(call: ToolCall) -> Any:
    """What was cut off in the middle of its JSON is given as nothing."""
    try:
        return msgspec.json.decode(call.text)
    except msgspec.DecodeError:
        return {}
