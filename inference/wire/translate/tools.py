"""Tool definitions and the choice among them, between the wires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.wire.translate.caching import cache_mark
from inference.wire.translate.refusal import present, refuse, refuse_others


def offered_tools(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tools of a chat request that may be called. Where some are not allowed, the other wire is told the rest."""
    tools: list[dict[str, Any]] = body.get("tools") or []
    match body.get("tool_choice"):
        case {"type": "allowed_tools", "allowed_tools": {"tools": list(allowed)}}:
            names = [one["function"]["name"] for one in allowed if one.get("type") == "function"]
            offered = [tool for tool in tools if (tool.get("function") or {}).get("name") in names]
            return offered or refuse("tool_choice.allowed_tools.tools", "none of them is a function of this request")
    return tools


def tools_to_messages(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_to_messages(tool, f"tools[{index}]") for index, tool in enumerate(tools)]


def _to_messages(tool: Mapping[str, Any], at: str) -> dict[str, Any]:
    function = tool.get("function")
    if tool["type"] != "function" or function is None:
        refuse(f"{at}.type", "only function tools are known there")
    refuse_others(tool, {"type", "function", "cache_control"}, at)
    refuse_others(function, {"name", "description", "parameters", "strict", "cache_control"}, f"{at}.function")
    schema = function.get("parameters") or {"properties": {}}
    translated = {
        "name": function["name"],
        "description": function.get("description"),
        "input_schema": schema if "type" in schema else {"type": "object", **schema},
        "strict": function.get("strict") or None,
        **(cache_mark(tool, at) or cache_mark(function, f"{at}.function")),
    }
    return present(translated)


def choice_to_messages(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """`tool_choice` with `parallel_tool_calls`, which belongs to it there. Without tools there is nothing to choose."""
    choice: dict[str, Any] | None
    match body.get("tool_choice"):
        case None:
            choice = None
        case "none" | "auto" as kind:
            choice = {"type": kind}
        case "required":
            choice = {"type": "any"}
        case {"type": "function", "function": {"name": str(name)}}:
            choice = {"type": "tool", "name": name}
        case {"type": "allowed_tools", "allowed_tools": {"mode": "auto" | "required" as mode}}:
            choice = {"type": "any" if mode == "required" else "auto"}
        case _:
            refuse("tool_choice.type", "only none, auto, required, allowed tools and one named function are known")
    if not body.get("tools"):
        return None
    if body.get("parallel_tool_calls") is False and choice != {"type": "none"}:
        return {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return choice


def tools_to_chat(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_to_chat(tool, f"tools[{index}]") for index, tool in enumerate(tools)]


_TOOL_FIELDS = frozenset({"type", "name", "description", "input_schema", "strict"})
_TOOL_HINTS = frozenset({"cache_control", "eager_input_streaming"})
"""How to cache a tool's definition and how to deliver its input: without effect on either."""


def _to_chat(tool: Mapping[str, Any], at: str) -> dict[str, Any]:
    if tool.get("type") not in (None, "custom") or not tool.get("name"):
        refuse(f"{at}.type", "tools that run at one provider are not known to another")
    others = {name: value for name, value in tool.items() if (name, value) != ("allowed_callers", ["direct"])}
    refuse_others(others, _TOOL_FIELDS | _TOOL_HINTS, at)
    function = {
        "name": tool["name"],
        "description": tool.get("description"),
        "parameters": tool.get("input_schema"),
        "strict": tool.get("strict") or None,
    }
    return {"type": "function", "function": present(function)}


def choice_to_chat(choice: Mapping[str, Any] | None) -> dict[str, Any]:
    """The chat fields that say what `tool_choice` says."""
    if choice is None:
        return {}
    refuse_others(choice, {"type", "name", "disable_parallel_tool_use"}, "tool_choice")
    said: str | dict[str, Any]
    match choice:
        case {"type": "auto" | "none" as kind}:
            said = str(kind)
        case {"type": "any"}:
            said = "required"
        case {"type": "tool", "name": str(name)}:
            said = {"type": "function", "function": {"name": name}}
        case _:
            refuse("tool_choice.type", "only auto, any, tool and none are known")
    return {"tool_choice": said} | ({"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {})
