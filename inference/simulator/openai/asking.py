"""From an OpenAI chat request to the prompt that is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from inference.simulator.openai import sounds, wire
from inference.simulator.openai.models import Ability
from inference.simulator.openai.rules import tool_name
from inference.simulator.prompts import Prompt, Segment, Tool, ToolRules, ToolUse

EFFORT_TOKENS = {"low": 24, "medium": 64, "high": 160, "xhigh": 320, "max": 640}
IMAGE_TOKENS = {"low": 85}
LARGE_IMAGE_TOKENS = 765
BYTES_PER_TOKEN = 40
"""Base64 of sound and files: a rough share, as no decoder is at hand."""
BREAKPOINT_SECONDS = 1800
_USES = {"auto": ToolUse.MAY, "none": ToolUse.NEVER, "required": ToolUse.MUST}
_SETTINGS = ("temperature", "top_p", "seed", "reasoning_effort", "verbosity", "frequency_penalty", "presence_penalty")


def prompt_of(request: wire.ChatRequest, *, provider: str, ability: Ability | None) -> Prompt:
    """The prompt of a request. `ability` is given when the model's own rules apply."""
    wanted = request.response_format
    last = request.messages[-1]
    settings = [getattr(request, name) for name in _SETTINGS]
    effort = request.reasoning_effort or (ability.default_effort if ability else None)
    question = _question(request.messages)
    return Prompt(
        provider=provider,
        model=request.model,
        segments=tuple(_segments(request)),
        question=question,
        after_tool=isinstance(last, wire.ToolMessage | wire.FunctionMessage),
        tool_rules=_tool_rules(request),
        wants_json=isinstance(wanted, wire.JsonObjectFormat),
        schema=wanted.json_schema.schema if isinstance(wanted, wire.JsonSchemaFormat) else None,
        settings=msgspec.json.encode([*settings, request.logit_bias], order="sorted"),
        max_tokens=_most_tokens(request),
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        reasoning_tokens=EFFORT_TOKENS.get(effort or "none", 0),
    )


def _most_tokens(request: wire.ChatRequest) -> int | None:
    """What is spoken takes its share of the limit."""
    most = request.max_completion_tokens or request.max_tokens
    return most // (1 + sounds.PER_TOKEN) if most is not None and sounds.speaks(request) else most


def audio_tokens_of(request: wire.ChatRequest) -> int:
    """The part of the prompt that is sound."""
    contents = [message.content for message in request.messages if isinstance(message.content, list)]
    return sum(_part(part)[1] for content in contents for part in content if isinstance(part, wire.AudioPart))


def _question(messages: list[wire.Message]) -> str:
    for message in reversed(messages):
        if isinstance(message, wire.UserMessage):
            if isinstance(message.content, str):
                return message.content
            return "\n".join(part.text for part in message.content if isinstance(part, wire.TextPart))
    return ""


def _segments(request: wire.ChatRequest) -> Iterable[Segment]:
    """Tools first, then the messages in order; a cache breakpoint ends a segment."""
    tools = request.tools or request.functions
    if tools:
        yield Segment(msgspec.json.encode(tools, order="sorted").decode())
    if isinstance(request.response_format, wire.JsonSchemaFormat):
        yield Segment(msgspec.json.encode(request.response_format, order="sorted").decode())
    for message in request.messages:
        yield from _message_segments(message)


def _message_segments(message: wire.Message) -> list[Segment]:
    head = f"{message.__struct_config__.tag}\n"
    if isinstance(message.content, str):
        return [Segment(head + message.content + _calls_text(message))]
    segments: list[Segment] = []
    texts: list[str] = []
    attached = 0
    for part in message.content or ():
        text, size = _part(part)
        texts.append(text)
        attached += size
        if getattr(part, "prompt_cache_breakpoint", None) is not None:
            segments.append(Segment(head + "\n".join(texts), BREAKPOINT_SECONDS, attached))
            head, texts, attached = "", [], 0
    rest = head + "\n".join(texts) + _calls_text(message)
    return [*segments, Segment(rest, None, attached)] if rest or attached else segments


def _part(part: wire.UserPart | wire.AssistantPart) -> tuple[str, int]:
    """A part's text and what its attachment costs."""
    match part:
        case wire.TextPart():
            return part.text, 0
        case wire.RefusalPart():
            return part.refusal, 0
        case wire.ImagePart():
            return part.image_url.url[:200], IMAGE_TOKENS.get(part.image_url.detail, LARGE_IMAGE_TOKENS)
        case wire.AudioPart():
            return part.input_audio.data[:200], len(part.input_audio.data) // BYTES_PER_TOKEN + 1
        case wire.FilePart():
            data = part.file.file_data or part.file.file_id or ""
            return data[:200], len(data) // BYTES_PER_TOKEN + 1


def _calls_text(message: wire.Message) -> str:
    if not isinstance(message, wire.AssistantMessage):
        return ""
    calls: list[object] = [*(message.tool_calls or ())]
    if message.function_call:
        calls.append(message.function_call)
    refusal = message.refusal or ""
    return refusal + "".join("\n" + msgspec.json.encode(call).decode() for call in calls)


def _tool_rules(request: wire.ChatRequest) -> ToolRules:
    if request.functions:
        return _function_rules(request.functions, request.function_call)
    tools = tuple(_tool(tool) for tool in request.tools or ())
    rules = ToolRules(tools, parallel=request.parallel_tool_calls is not False)
    match request.tool_choice:
        case wire.FunctionChoice(function=chosen) | wire.CustomChoice(custom=chosen):
            return replace(rules, use=ToolUse.ONE, name=chosen.name)
        case wire.AllowedChoice(allowed_tools=allowed):
            return _allowed(rules, allowed)
        case word:
            return replace(rules, use=_USES[word or "auto"])


def _function_rules(functions: list[wire.FunctionDefinition], called: str | wire.Named | None) -> ToolRules:
    """The older way to offer tools, one call at a time."""
    tools = tuple(Tool(one.name, one.parameters or {"type": "object"}) for one in functions)
    if isinstance(called, wire.Named):
        return ToolRules(tools, ToolUse.ONE, called.name, parallel=False)
    return ToolRules(tools, _USES[called or "auto"], parallel=False)


def _allowed(rules: ToolRules, allowed: wire.AllowedTools) -> ToolRules:
    names = {
        tool.function.name if isinstance(tool, wire.FunctionChoice) else tool.custom.name for tool in allowed.tools
    }
    tools = tuple(tool for tool in rules.tools if tool.name in names)
    return replace(rules, tools=tools, use=ToolUse.MUST if allowed.mode == "required" else ToolUse.MAY)


def _tool(tool: wire.FunctionTool | wire.CustomTool) -> Tool:
    schema = (tool.function.parameters or {"type": "object"}) if isinstance(tool, wire.FunctionTool) else None
    return Tool(tool_name(tool), schema)
