"""The conversation of a messages request as chat: instructions, turns, tool calls and their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from inference.wire.translate.media import file_part, image_part
from inference.wire.translate.refusal import refuse, refuse_others

_THINKING: Final = ("thinking", "redacted_thinking")
"""A model's own notes, signed for itself: no other model could read them, and the chat wire has no place for them."""


def conversation_to_chat(system: Any, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    if system:
        turns.append({"role": "system", "content": _content(system, "system", ("text",))})
    for index, message in enumerate(messages):
        at = f"messages[{index}]"
        others = {name: value for name, value in message.items() if (name, value) != ("clear_at", "never")}
        refuse_others(others, {"role", "content"}, at)
        if message["role"] == "assistant":
            turns.append(_assistant(message["content"], f"{at}.content"))
        elif message["role"] == "user":
            turns.extend(_user(message["content"], f"{at}.content"))
        else:
            turns.append({"role": "system", "content": _content(message["content"], f"{at}.content", ("text",))})
    if turns[-1]["role"] == "assistant":
        refuse(f"messages[{len(messages) - 1}].role", "an answer that has begun cannot be continued there")
    return turns


def _user(content: Any, at: str) -> Iterator[dict[str, Any]]:
    """Tool results are messages of their own, before what the user says."""
    if isinstance(content, str):
        yield {"role": "user", "content": content}
        return
    said: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    for index, block in enumerate(content):
        if block["type"] != "tool_result":
            said.append(_part(block, f"{at}[{index}]", _USER_BLOCKS))
        elif said:
            refuse(f"{at}[{index}]", "tool results come before anything else")
        else:
            result, media = _result(block, f"{at}[{index}]")
            shown += media
            yield result
    if shown or said:
        yield {"role": "user", "content": [*shown, *said]}


def _result(block: Mapping[str, Any], at: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The result as chat can say it, and the images and documents that a user's message must show after it.

    Chat has no flag for a failed call: that it failed is said in the text.
    """
    refuse_others(block, {"type", "tool_use_id", "content", "is_error", "cache_control"}, at)
    content = _content(block.get("content") or "", f"{at}.content", _USER_BLOCKS)
    call, media = block["tool_use_id"], []
    if isinstance(content, list):
        media = [part for part in content if part["type"] != "text"]
        content = _plainest([part for part in content if part["type"] == "text"]) or f"Shown below as that of {call}."
    if block.get("is_error"):
        content = f"Error: {content}" if isinstance(content, str) else [{"type": "text", "text": "Error:"}, *content]
    heading = [{"type": "text", "text": f"From the result of {call}:"}] if media else []
    return {"role": "tool", "tool_call_id": call, "content": content}, heading + media


def _assistant(content: Any, at: str) -> dict[str, Any]:
    if isinstance(content, str):
        return {"role": "assistant", "content": content}
    said, calls = [], []
    for index, block in enumerate(content):
        if block["type"] == "tool_use":
            calls.append(_call(block, f"{at}[{index}]"))
        elif block["type"] not in _THINKING:
            said.append(_part(block, f"{at}[{index}]", ("text",)))
    turn: dict[str, Any] = {"role": "assistant", "content": _plainest(said) if said else None if calls else ""}
    return {**turn, "tool_calls": calls} if calls else turn


def _call(block: Mapping[str, Any], at: str) -> dict[str, Any]:
    others = {name: value for name, value in block.items() if (name, value) != ("caller", {"type": "direct"})}
    refuse_others(others, {"type", "id", "name", "input", "cache_control"}, at)
    arguments = msgspec.json.encode(block["input"]).decode()
    return {"id": block["id"], "type": "function", "function": {"name": block["name"], "arguments": arguments}}


_USER_BLOCKS = ("text", "image", "document")


def _content(content: Any, at: str, known: tuple[str, ...]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    return _plainest([_part(block, f"{at}[{index}]", known) for index, block in enumerate(content)])


def _plainest(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """A single text as a string: every compatible endpoint takes that, not every one takes parts."""
    return str(parts[0]["text"]) if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _part(block: Mapping[str, Any], at: str, known: tuple[str, ...]) -> dict[str, Any]:
    """Where to cache a prefix is a hint to Anthropic; citations in the past are a model's own, and its text stays."""
    kind = block["type"]
    if kind not in known:
        refuse(f"{at}.type", f"content of type {kind} is not accepted")
    if kind == "image":
        return image_part(block, at)
    if kind == "document":
        return file_part(block, at)
    refuse_others(block, {"type", "text", "cache_control", "citations"}, at)
    return {"type": "text", "text": block["text"]}
