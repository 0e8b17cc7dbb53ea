"""From an Anthropic request to the prompt that is answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from inference.simulator.anthropic import wire
from inference.simulator.anthropic.rules import blocks_of, is_own_tool
from inference.simulator.prefixes import FIVE_MINUTES, ONE_HOUR
from inference.simulator.prompts import Prompt, Segment, Tool, ToolRules, ToolUse

_IMAGE_TOKENS = 1_500
_BYTES_PER_TOKEN = 40
_SECONDS = {"5m": FIVE_MINUTES, "1h": ONE_HOUR}


def prompt_of(request: wire.Conversation) -> Prompt:
    thinking = request.thinking
    config = request.output_config or wire.OutputConfig()
    prompt = Prompt(
        provider="anthropic",
        model=request.model,
        segments=tuple(segments_of(request)),
        question=_question(request.messages),
        after_tool=any(isinstance(block, wire.ToolResultBlock) for block in blocks_of(request.messages[-1])),
        tool_rules=_tool_rules(request),
        schema=config.format.schema if config.format else None,
        thinks_aloud=isinstance(thinking, wire.EnabledThinking | wire.AdaptiveThinking),
    )
    if not isinstance(request, wire.MessagesRequest):
        return prompt
    settings = [request.temperature, request.top_k, request.top_p, config.effort]
    return replace(
        prompt,
        settings=msgspec.json.encode(settings),
        max_tokens=request.max_tokens,
        stop=tuple(request.stop_sequences or ()),
    )


def may_search(request: wire.Conversation) -> bool:
    """A model that is offered the web search searches once, unless a tool of the caller's is forced or none is."""
    offered = any(tool.get("name") == "web_search" and is_own_tool(tool) for tool in request.tools or ())
    choice = request.tool_choice
    forced = isinstance(choice, wire.NoneChoice) or (
        isinstance(choice, wire.ToolChoice) and choice.name != "web_search"
    )
    return offered and not forced


def segments_of(request: wire.Conversation) -> Iterator[Segment]:
    """One segment a block, as caching goes by blocks: tools, system, messages."""
    segments = list(_all_segments(request))
    if request.cache_control:
        segments[-1] = replace(segments[-1], cache_seconds=_SECONDS[request.cache_control.ttl])
    return iter(segments)


def _all_segments(request: wire.Conversation) -> Iterator[Segment]:
    for tool in request.tools or ():
        mark = tool.get("cache_control")
        described = {key: value for key, value in tool.items() if key != "cache_control"}
        seconds = _SECONDS[mark.get("ttl", "5m")] if mark else None
        yield Segment(msgspec.json.encode(described, order="sorted").decode(), seconds)
    if isinstance(request.system, str):
        yield Segment(f"system\n{request.system}")
    for block in request.system if isinstance(request.system, list) else ():
        yield Segment(f"system\n{block.text}", _seconds(block))
    if request.output_config and request.output_config.format:
        yield Segment(msgspec.json.encode(request.output_config.format.schema, order="sorted").decode())
    for message in request.messages:
        role = str(message.__struct_config__.tag)
        for block in blocks_of(message):
            text, attached = _block(block)
            yield Segment(f"{role}\n{text}", _seconds(block), attached)
            role = ""


def _seconds(block: Any) -> int | None:
    mark = getattr(block, "cache_control", None)
    return _SECONDS[mark.ttl] if mark else None


def _block(block: Any) -> tuple[str, int]:
    """A block's text and what its attachment costs."""
    match block:
        case wire.ImageBlock():
            return _source_text(block.source)[:200], _IMAGE_TOKENS
        case wire.DocumentBlock():
            return _document(block)
        case wire.ToolResultBlock():
            return _result(block)
        case _:
            return _words(block), 0


def _words(block: Any) -> str:
    match block:
        case wire.TextBlock():
            return block.text
        case wire.SearchResultBlock():
            return "\n".join([block.title, *(part.text for part in block.content)])
        case wire.ToolUseBlock() | wire.ServerToolUseBlock():
            return f"{block.name} {msgspec.json.encode(block.input).decode()}"
        case wire.WebSearchResultBlock():
            return msgspec.json.encode(block.content).decode()
        case _:
            return ""


def _result(block: wire.ToolResultBlock) -> tuple[str, int]:
    if isinstance(block.content, str):
        return block.content, 0
    parts = [_block(part) for part in block.content]
    return "\n".join(text for text, _ in parts), sum(size for _, size in parts)


def _document(block: wire.DocumentBlock) -> tuple[str, int]:
    heading = f"{block.title or ''}\n{block.context or ''}\n"
    if block.source.type in ("text", "content"):
        return heading + _source_text(block.source), 0
    data = _source_text(block.source)
    return heading + data[:200], len(data) // _BYTES_PER_TOKEN


def _source_text(source: wire.Source) -> str:
    if isinstance(source.content, list):
        return "\n".join(str(part.get("text", "")) for part in source.content)
    return source.content or source.data or source.url or source.file_id or ""


def _question(messages: list[wire.Message]) -> str:
    """The text of the last user turn that says something; a turn of tool results alone says nothing."""
    for message in reversed(messages):
        if isinstance(message, wire.UserMessage):
            texts = [block.text for block in blocks_of(message) if isinstance(block, wire.TextBlock)]
            if texts:
                return "\n".join(texts)
    return ""


def _tool_rules(request: wire.Conversation) -> ToolRules:
    tools = tuple(
        Tool(tool["name"], tool.get("input_schema") or {"type": "object"})
        for tool in request.tools or ()
        if not is_own_tool(tool)
    )
    choice = request.tool_choice
    rules = ToolRules(tools, parallel=not getattr(choice, "disable_parallel_tool_use", False))
    match choice:
        case wire.NoneChoice():
            return replace(rules, use=ToolUse.NEVER)
        case wire.AnyChoice():
            return replace(rules, use=ToolUse.MUST)
        case wire.ToolChoice():
            return replace(rules, use=ToolUse.ONE, name=choice.name)
        case _:
            return rules
