"""From a request for a response to the prompt that is answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from inference.simulator.openai.asking import (
    BREAKPOINT_SECONDS,
    BYTES_PER_TOKEN,
    EFFORT_TOKENS,
    IMAGE_TOKENS,
    LARGE_IMAGE_TOKENS,
)
from inference.simulator.openai.models import Ability
from inference.simulator.openai.responses import wire
from inference.simulator.openai.responses.parsing import Parsed
from inference.simulator.prompts import Prompt, Segment, Tool, ToolRules, ToolUse

_USES = {"auto": ToolUse.MAY, "none": ToolUse.NEVER, "required": ToolUse.MUST}
SEALED_REASONING = "reasoning.encrypted_content"


def prompt_of(parsed: Parsed, items: Sequence[wire.Item], *, provider: str, ability: Ability) -> Prompt:
    """The prompt of a request with its earlier turns. `ability` tells how hard the model thinks by itself."""
    request = parsed.request
    text = request.text or wire.Text()
    effort = (request.reasoning.effort if request.reasoning else None) or ability.default_effort
    settings = [request.temperature, request.top_p, effort, text.verbosity]
    wanted = text.format
    last = items[-1] if items else None
    return Prompt(
        provider=provider,
        model=request.model,
        segments=tuple(segments_of(parsed, items)),
        question=_question(items),
        after_tool=isinstance(last, wire.FunctionCallOutput | wire.CustomCallOutput),
        tool_rules=_tool_rules(parsed),
        wants_json=isinstance(wanted, wire.JsonObjectFormat),
        schema=wanted.schema if isinstance(wanted, wire.JsonSchemaFormat) else None,
        settings=msgspec.json.encode(settings),
        max_tokens=request.max_output_tokens,
        reasoning_tokens=EFFORT_TOKENS.get(effort, 0),
    )


def segments_of(parsed: Parsed, items: Sequence[wire.Item]) -> Iterator[Segment]:
    """Tools first, then the form of the answer, the instructions and the items in order."""
    request = parsed.request
    if parsed.tools:
        yield Segment(msgspec.json.encode(parsed.tools, order="sorted").decode())
    if request.text and isinstance(request.text.format, wire.JsonSchemaFormat):
        yield Segment(msgspec.json.encode(request.text.format, order="sorted").decode())
    if request.instructions:
        yield Segment(f"developer\n{request.instructions}")
    for item in items:
        yield from _item_segments(item)


def _item_segments(item: wire.Item) -> Iterator[Segment]:
    match item:
        case wire.Message():
            yield from _content_segments(item.role, item.content)
        case wire.FunctionCallOutput() | wire.CustomCallOutput():
            yield from _content_segments("tool", item.output)
        case wire.FunctionCall():
            yield Segment(f"call\n{item.name} {item.arguments}")
        case wire.CustomCall():
            yield Segment(f"call\n{item.name} {item.input}")
        case wire.WebSearchCall():
            yield Segment(f"search\n{msgspec.json.encode(item.action).decode()}")
        case _:
            return  # Earlier reasoning is dropped from the prompt, and a reference was resolved before.


def _content_segments(role: str, content: str | Sequence[wire.Part]) -> Iterator[Segment]:
    if isinstance(content, str):
        yield Segment(f"{role}\n{content}")
        return
    segment = Segment(f"{role}\n")
    for part in content:
        text, size = _part(part)
        segment = replace(segment, text=segment.text + text, extra_tokens=segment.extra_tokens + size)
        if getattr(part, "prompt_cache_breakpoint", None) is not None:
            yield replace(segment, cache_seconds=BREAKPOINT_SECONDS)
            segment = Segment("")
    if segment.text or segment.extra_tokens:
        yield segment


def _part(part: wire.Part) -> tuple[str, int]:
    """A part's text and what its attachment costs."""
    match part:
        case wire.InputText() | wire.OutputText():
            return part.text, 0
        case wire.RefusalPart():
            return part.refusal, 0
        case wire.InputImage():
            shown = part.image_url or part.file_id or ""
            return shown[:200], IMAGE_TOKENS.get(part.detail, LARGE_IMAGE_TOKENS)
        case wire.InputFile():
            data = part.file_data or part.file_url or part.file_id or ""
            return data[:200], len(data) // BYTES_PER_TOKEN + 1


def _question(items: Sequence[wire.Item]) -> str:
    for item in reversed(items):
        if isinstance(item, wire.Message) and item.role == "user":
            if isinstance(item.content, str):
                return item.content
            return "\n".join(part.text for part in item.content if isinstance(part, wire.InputText))
    return ""


def _tool_rules(parsed: Parsed) -> ToolRules:
    tools = tuple(
        Tool(tool.name, (tool.parameters or {"type": "object"}) if isinstance(tool, wire.FunctionTool) else None)
        for tool in parsed.tools
        if not isinstance(tool, wire.WebSearchTool)
    )
    rules = ToolRules(tools, parallel=parsed.request.parallel_tool_calls is not False)
    match parsed.choice:
        case wire.NamedChoice(name=name):
            return replace(rules, use=ToolUse.ONE, name=name)
        case wire.AllowedChoice(mode=mode, tools=allowed):
            names = [tool.get("name") for tool in allowed]
            kept = tuple(tool for tool in tools if tool.name in names)
            return replace(rules, tools=kept, use=ToolUse.MUST if mode == "required" else ToolUse.MAY)
        case wire.SearchChoice():
            return replace(rules, use=ToolUse.NEVER)
        case word:
            return replace(rules, use=_USES[word])
