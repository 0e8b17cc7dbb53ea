"""The tools of a responses request, and the choice among them, for the chat wire.

A custom tool takes a text. The models reached here know only functions: it becomes a function of one text, and its
calls become those of a custom tool again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from inference.wire.decoding import INVALID
from inference.wire.translate.refusal import present, refuse, refuse_others

CUSTOM_INPUT: Final = "input"
_TEXT: Final = {
    "type": "object",
    "properties": {CUSTOM_INPUT: {"type": "string"}},
    "required": [CUSTOM_INPUT],
    "additionalProperties": False,
}
_FUNCTION: Final = frozenset({"type", "name", "description", "parameters", "strict"})
_CUSTOM: Final = frozenset({"type", "name", "description", "format"})


def tools_to_chat(tools: list[dict[str, Any]], choice: Any) -> list[dict[str, Any]]:
    """The tools, or those of them that are allowed."""
    translated = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
    if not (isinstance(choice, dict) and choice["type"] == "allowed_tools"):
        return translated
    refuse_others(choice, {"type", "mode", "tools"}, "tool_choice")
    allowed = {tool.get("name") for tool in choice["tools"]}
    return [tool for tool in translated if tool["function"]["name"] in allowed]


def _tool(tool: Mapping[str, Any], at: str) -> dict[str, Any]:
    told = {name: value for name, value in tool.items() if (name, value) != ("allowed_callers", ["direct"])}
    if tool["type"] == "function":
        refuse_others(told, _FUNCTION, at)
        parameters, strict = tool.get("parameters"), tool.get("strict") or None
    elif tool["type"] == "custom":
        refuse_others(told, _CUSTOM, at)
        if (tool.get("format") or {}).get("type", "text") != "text":
            refuse(f"{at}.format.type", "its models cannot be held to a grammar")
        parameters, strict = _TEXT, None
    else:
        refuse(f"{at}.type", "only function and custom tools are known there")
    function = {
        "name": tool["name"],
        "description": tool.get("description"),
        "parameters": parameters,
        "strict": strict,
    }
    return {"type": "function", "function": present(function)}


def choice_to_chat(choice: Any) -> str | dict[str, Any] | None:
    match choice:
        case None | "auto" | "none" | "required":
            return None if choice is None else str(choice)
        case {"type": "function" | "custom", "name": str(name)}:
            refuse_others(choice, {"type", "name"}, "tool_choice")
            return {"type": "function", "function": {"name": name}}
        case {"type": "allowed_tools", "mode": "auto" | "required" as mode}:
            return str(mode)
    return refuse("tool_choice", "only none, auto, required, allowed_tools and one named tool are known there")


def custom_names(request: Mapping[str, Any]) -> Collection[str]:
    """The tools whose calls are calls of functions only on their way."""
    return frozenset(tool["name"] for tool in request.get("tools") or () if tool.get("type") == "custom")


def custom_input(arguments: str) -> str:
    """The text that a model gave to a custom tool; what it wrote itself, if it did not write it as it was told."""
    try:
        given = msgspec.json.decode(arguments)
    except INVALID:
        return arguments
    text = given.get(CUSTOM_INPUT) if isinstance(given, dict) else None
    return text if isinstance(text, str) else arguments
