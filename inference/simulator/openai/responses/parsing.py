"""From the bytes of a request to typed items and tools, or the first thing in them that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from inference.simulator.openai.errors import invalid, misfit, not_json
from inference.simulator.openai.responses import wire
from inference.simulator.openai.wire import Json
from inference.simulator.refusals import Fault, Fitted, Refusal, Violation, fit, unknown_field, violation_of

_DECODER = msgspec.json.Decoder(wire.ResponseRequest)
_HOSTED_NAMES = """
file_search computer computer_use_preview mcp code_interpreter programmatic_tool_calling image_generation local_shell
shell namespace tool_search apply_patch
"""
_HOSTED_TOOLS = tuple(_HOSTED_NAMES.split())
"""Accepted, and never used by a simulated model."""
_SEARCHES = ("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11")
_TOOLS: dict[str, type[wire.Tool]] = {
    "function": wire.FunctionTool,
    "custom": wire.CustomTool,
    **dict.fromkeys(_SEARCHES, wire.WebSearchTool),
}
Choice = str | wire.NamedChoice | wire.AllowedChoice | wire.SearchChoice
_CHOICES: dict[str, type[wire.NamedChoice | wire.AllowedChoice | wire.SearchChoice]] = {
    "function": wire.NamedChoice,
    "custom": wire.NamedChoice,
    "allowed_tools": wire.AllowedChoice,
    **dict.fromkeys(_SEARCHES[2:], wire.SearchChoice),
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A request whose shape is right. `items` are those it brings itself, without earlier turns."""

    request: wire.ResponseRequest
    items: tuple[wire.Item, ...]
    tools: tuple[wire.Tool, ...]
    choice: Choice


def parse(body: bytes, *, strict: bool) -> Parsed | Refusal:
    try:
        request = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        return misfit(violation_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return not_json(str(error))
    stray = unknown_field(msgspec.json.decode(body), request) if strict else None
    if stray:
        return misfit(stray)
    items = items_of(request.input, strict=strict)
    if isinstance(items, Refusal):
        return items
    tools = _tools_of(request, strict=strict)
    if isinstance(tools, Refusal):
        return tools
    choice = _choice_of(request, strict=strict)
    return choice if isinstance(choice, Refusal) else Parsed(request, items, tools, choice)


def items_of(given: str | list[Json] | None, *, strict: bool) -> tuple[wire.Item, ...] | Refusal:
    """Items in their types; a text is short for one user message."""
    if given is None:
        return ()
    if isinstance(given, str):
        return (wire.Message(role="user", content=given),)
    items: list[wire.Item] = []
    for index, raw in enumerate(given):
        kind = raw.get("type", "message" if "role" in raw else None)
        item = _typed(raw, wire.ITEMS, kind, ("input", index), strict=strict)
        if isinstance(item, Refusal):
            return item
        items.append(item)
    return tuple(items)


def _tools_of(request: wire.ResponseRequest, *, strict: bool) -> tuple[wire.Tool, ...] | Refusal:
    tools = []
    for index, raw in enumerate(request.tools or ()):
        if raw.get("type") in _HOSTED_TOOLS:
            continue
        tool = _typed(raw, _TOOLS, raw.get("type"), ("tools", index), strict=strict)
        if isinstance(tool, Refusal):
            return tool
        tools.append(tool)
    return tuple(tools)


def _choice_of(request: wire.ResponseRequest, *, strict: bool) -> Choice | Refusal:
    choice = request.tool_choice
    if not isinstance(choice, dict):
        return choice or "auto"
    if choice.get("type") in _HOSTED_TOOLS:
        return "auto"
    return _typed(choice, _CHOICES, choice.get("type"), ("tool_choice",), strict=strict)


def _typed(
    raw: Json, kinds: Mapping[str, type[Fitted]], kind: Any, at: tuple[str | int, ...], *, strict: bool
) -> Fitted | Refusal:
    where = Violation(Fault.MISSING, (*at, "type"), "").bracketed()
    if kind is None:
        return invalid(f"Missing required parameter: '{where}'.", param=where, code="missing_required_parameter")
    if not isinstance(kind, str) or kind not in kinds:
        known = ", ".join(f"'{one}'" for one in kinds)
        message = f"Invalid value: '{kind}'. Supported values are: {known}."
        return invalid(message, param=where, code="invalid_value")
    fitted = fit(raw, kinds[kind], at, strict=strict)
    return misfit(fitted) if isinstance(fitted, Violation) else fitted
