"""What Anthropic refuses in a request whose shape is right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from inference.simulator.anthropic import wire
from inference.simulator.anthropic.errors import invalid, misfit
from inference.simulator.anthropic.models import most_output_tokens
from inference.simulator.refusals import Fitted, Refusal, Violation, fit
from inference.simulator.schema_shapes import problem_of

_MOST_MARKS = 4
_OWN_TOOL_TYPE = re.compile(r"^[a-z0-9_]+_\d{8}$")


def refusal_of(request: wire.Conversation) -> Refusal | None:
    """The first rule that the request breaks."""
    for rule in _RULES:
        refusal = rule(request)
        if refusal:
            return refusal
    return None


def blocks_of(message: wire.Message) -> list[Any]:
    """A message's content as blocks; a text is short for one block of it."""
    return [wire.TextBlock(message.content)] if isinstance(message.content, str) else list(message.content)


def is_own_tool(tool: wire.Json) -> bool:
    """One of the tools that Anthropic defines itself, such as `bash_20250124`."""
    return isinstance(tool.get("type"), str) and bool(_OWN_TOOL_TYPE.match(tool["type"]))


def _tools(request: wire.Conversation) -> Refusal | None:
    names = []
    for index, raw in enumerate(request.tools or ()):
        tool = _own_tool(raw, index) if is_own_tool(raw) else _client_tool(raw, index)
        if isinstance(tool, Refusal):
            return tool
        names.append(tool.name)
    if len(set(names)) < len(names):
        return invalid("tools: Tool names must be unique.")
    return _tool_choice(request, names)


def _client_tool(raw: wire.Json, index: int) -> wire.Tool | Refusal:
    tool = _fitted(raw, wire.Tool, ("tools", index, "custom"))
    if isinstance(tool, Refusal):
        return tool
    problem = problem_of(tool.input_schema)
    if problem:
        return invalid(f"tools.{index}.custom.input_schema: JSON schema is invalid: {problem}")
    if tool.input_schema.get("type") != "object":
        return invalid(f"tools.{index}.custom.input_schema.type: Input should be 'object'")
    return tool


def _own_tool(raw: wire.Json, index: int) -> wire.OwnTool | Refusal:
    known = {key: value for key, value in raw.items() if key in ("type", "name", "cache_control")}
    return _fitted(known, wire.OwnTool, ("tools", index))


def _fitted(raw: wire.Json, kind: type[Fitted], at: tuple[str | int, ...]) -> Fitted | Refusal:
    fitted = fit(raw, kind, at)
    return misfit(fitted) if isinstance(fitted, Violation) else fitted


def _tool_choice(request: wire.Conversation, names: list[str]) -> Refusal | None:
    choice = request.tool_choice
    if choice is None:
        return None
    if not names:
        return invalid("tool_choice: it may only be specified while providing tools")
    if isinstance(choice, wire.ToolChoice) and choice.name not in names:
        return invalid(f"tool_choice: Tool '{choice.name}' not found in provided tools")
    if isinstance(request.thinking, wire.EnabledThinking) and isinstance(choice, wire.AnyChoice | wire.ToolChoice):
        return invalid("Thinking may not be enabled when tool_choice forces tool use.")
    return None


def _roles(request: wire.Conversation) -> Refusal | None:
    if not isinstance(request.messages[0], wire.UserMessage):
        return invalid('messages: first message must use the "user" role')
    last = len(request.messages) - 1
    for index, message in enumerate(request.messages):
        refusal = _content(index, message, final=index == last)
        if refusal:
            return refusal
    return None


def _content(index: int, message: wire.Message, *, final: bool) -> Refusal | None:
    prefill = final and isinstance(message, wire.AssistantMessage)
    if not message.content and not prefill:
        return invalid(f"messages.{index}: all messages must have non-empty content")
    for at, block in enumerate(blocks_of(message)):
        where = f"messages.{index}.content.{at}"
        if isinstance(block, wire.TextBlock) and not block.text.strip() and not prefill:
            return invalid("messages: text content blocks must contain non-whitespace text")
        if isinstance(block, wire.ToolResultBlock) and not isinstance(message, wire.UserMessage):
            return invalid(f"{where}: `tool_result` blocks can only be in `user` messages")
        if isinstance(block, _ASSISTANT_S) and not isinstance(message, wire.AssistantMessage):
            kind = block.__struct_config__.tag
            return invalid(f"{where}: `{kind}` blocks can only be in `assistant` messages")
    if prefill and blocks_of(message) and (getattr(blocks_of(message)[-1], "text", "") or "x")[-1].isspace():
        return invalid("messages: final assistant content cannot end with trailing whitespace")
    return None


_ASSISTANT_S = (
    wire.ToolUseBlock,
    wire.ThinkingBlock,
    wire.RedactedThinkingBlock,
    wire.ServerToolUseBlock,
    wire.WebSearchResultBlock,
)


def _tool_results(request: wire.Conversation) -> Refusal | None:
    """Every use of a tool is answered in the next user turn, and nothing else is."""
    unanswered: list[str] = []
    for index, message in enumerate(request.messages):
        if isinstance(message, wire.AssistantMessage):
            if unanswered:
                break
            unanswered = [block.id for block in blocks_of(message) if isinstance(block, wire.ToolUseBlock)]
            continue
        for at, block in enumerate(blocks_of(message)):
            if not isinstance(block, wire.ToolResultBlock):
                continue
            if block.tool_use_id not in unanswered:
                where = f"messages.{index}.content.{at}"
                return invalid(
                    f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {block.tool_use_id}. "
                    "Each must belong to a `tool_use` block in the previous message."
                )
            unanswered.remove(block.tool_use_id)
    if unanswered:
        return invalid(
            f"messages: `tool_use` ids were found without `tool_result` blocks right after: {', '.join(unanswered)}."
        )
    return None


def _budgets(request: wire.Conversation) -> Refusal | None:
    if not isinstance(request, wire.MessagesRequest):
        return None
    most = most_output_tokens(request.model)
    if request.max_tokens > most:
        return invalid(
            f"max_tokens: {request.max_tokens} > {most}, which is the maximum allowed number of output tokens for "
            f"{request.model}"
        )
    if isinstance(request.thinking, wire.EnabledThinking):
        if request.thinking.budget_tokens >= request.max_tokens:
            return invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
        if request.temperature not in (None, 1) or request.top_k is not None:
            return invalid("`temperature` may only be set to 1, and `top_k` not at all, when thinking is enabled.")
    if any(not stop.strip() for stop in request.stop_sequences or ()):
        return invalid("stop_sequences: each stop sequence must contain non-whitespace")
    return None


def _output(request: wire.Conversation) -> Refusal | None:
    wanted = request.output_config.format if request.output_config else None
    problem = problem_of(wanted.schema) if wanted else None
    return invalid(f"output_config.format.schema: {problem}") if problem else None


def _marks(request: wire.Conversation) -> Refusal | None:
    found = [mark for mark in cache_marks(request) if mark is not None]
    if len(found) > _MOST_MARKS:
        return invalid(f"A maximum of {_MOST_MARKS} blocks with cache_control may be provided. Found {len(found)}.")
    times = [mark.ttl for mark in found]
    if "1h" in times and "5m" in times[: len(times) - 1 - times[::-1].index("1h")]:
        return invalid("cache_control: a ttl='1h' block must not come after a ttl='5m' block.")
    return None


def cache_marks(request: wire.Conversation) -> list[wire.CacheControl | None]:
    """The marks in the order the model reads: tools, system, messages; last the one for the whole request."""
    marks: list[wire.CacheControl | None] = []
    for tool in request.tools or ():
        raw = tool.get("cache_control")
        marks.append(msgspec.convert(raw, wire.CacheControl) if raw else None)
    if isinstance(request.system, list):
        marks.extend(block.cache_control for block in request.system)
    for message in request.messages:
        marks.extend(getattr(block, "cache_control", None) for block in blocks_of(message))
    return [*marks, request.cache_control]


_RULES: tuple[Callable[[wire.Conversation], Refusal | None], ...] = (
    _tools,
    _roles,
    _tool_results,
    _budgets,
    _output,
    _marks,
)
