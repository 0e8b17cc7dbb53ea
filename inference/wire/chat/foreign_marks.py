"""Anthropic's `cache_control` in a chat request: on parts, messages and tools.

Clients that know Claude write it whatever model is asked. OpenAI passes over it, others that copy its protocol refuse
it, and where a prefix is cached is no part of what is asked: it goes only to those who act on it.
"""

from __future__ import annotations

from typing import Any, Final

MARK: Final = "cache_control"


def without_foreign_marks(body: dict[str, Any]) -> dict[str, Any]:
    """The body itself when it has none."""
    changed: dict[str, Any] = {}
    for name, inner, clean in (("messages", "content", _message), ("tools", "function", _tool)):
        held = body.get(name)
        if isinstance(held, list) and _is_marked(held, inner):
            changed[name] = [clean(item) if isinstance(item, dict) else item for item in held]
    return {**body, **changed} if changed else body


def _is_marked(items: list[Any], inner: str) -> bool:
    """Whether one of them is, or what it holds as `inner`. Asked of every request, and nearly always false."""
    for item in items:
        if not isinstance(item, dict):
            continue
        if MARK in item:
            return True
        held = item.get(inner)
        if isinstance(held, dict) and MARK in held:
            return True
        if isinstance(held, list) and any(isinstance(part, dict) and MARK in part for part in held):
            return True
    return False


def _message(message: dict[str, Any]) -> dict[str, Any]:
    message = _unmarked(message)
    content = message.get("content")
    if isinstance(content, list) and any(isinstance(part, dict) and MARK in part for part in content):
        return {**message, "content": [_unmarked(part) if isinstance(part, dict) else part for part in content]}
    return message


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    tool = _unmarked(tool)
    function = tool.get("function")
    if isinstance(function, dict) and MARK in function:
        return {**tool, "function": _unmarked(function)}
    return tool


def _unmarked(held: dict[str, Any]) -> dict[str, Any]:
    if MARK not in held:
        return held
    return {name: value for name, value in held.items() if name != MARK}
