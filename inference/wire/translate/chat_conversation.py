"""The conversation of a chat request as messages: system prompt, turns, tool calls and their results."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from inference.wire import capabilities
from inference.wire.decoding import INVALID
from inference.wire.fields import CACHE_MARKS
from inference.wire.translate.caching import cache_mark
from inference.wire.translate.media import document_block, image_block
from inference.wire.translate.refusal import refuse, refuse_others

_INSTRUCTING = ("system", "developer")


def conversation_to_messages(
    messages: list[dict[str, Any]], accepted: Collection[str]
) -> tuple[str | list[dict[str, Any]] | None, list[dict[str, Any]]]:
    """The system prompt, and the turns after it."""
    leading = next((i for i, m in enumerate(messages) if m["role"] not in _INSTRUCTING), len(messages))
    turns: list[dict[str, Any]] = []
    for index in range(leading, len(messages)):
        _add_turn(turns, messages[index], f"messages[{index}]", accepted)
    if not turns:
        refuse("messages", "a conversation needs a user message there")
    if turns[-1]["role"] == "assistant":
        refuse(f"messages[{len(messages) - 1}].role", "an answer that has begun is continued there, not answered")
    return _system(messages[:leading]), turns


def _system(instructions: list[dict[str, Any]]) -> str | list[dict[str, Any]] | None:
    contents = [_instruction(message, f"messages[{index}]") for index, message in enumerate(instructions)]
    if len(contents) <= 1:
        return contents[0] if contents else None
    return [block for content in contents for block in _as_blocks(content)]


def _instruction(message: Mapping[str, Any], at: str) -> str | list[dict[str, Any]]:
    refuse_others(message, {"role", "content", "cache_control"}, at)
    return _with_mark_of(message, at, _content(message["content"], f"{at}.content", {"text"}))


def _add_turn(turns: list[dict[str, Any]], message: dict[str, Any], at: str, accepted: Collection[str]) -> None:
    role = message["role"]
    if role == "user":
        refuse_others(message, {"role", "content", "cache_control"}, at)
        content = _content(message["content"], f"{at}.content", _USER_PARTS)
        turns.append({"role": "user", "content": _with_mark_of(message, at, content)})
    elif role == "assistant":
        turns.append({"role": "assistant", "content": _with_mark_of(message, at, _assistant(message, at))})
    elif role == "tool":
        _add_result(turns, message, at)
    elif role in _INSTRUCTING:
        _add_late_instruction(turns, message, at, accepted)
    else:
        refuse(f"{at}.role", "use tool messages instead")


def _add_late_instruction(
    turns: list[dict[str, Any]], message: dict[str, Any], at: str, accepted: Collection[str]
) -> None:
    """Instructions in a row are one message."""
    before = turns[-1]["role"] if turns else None
    if capabilities.LATE_INSTRUCTIONS not in accepted or before not in ("user", "system"):
        refuse(f"{at}.role", "instructions are only accepted at the start of the conversation")
    content = _instruction(message, at)
    if before == "system":
        turns[-1]["content"] = [*_as_blocks(turns[-1]["content"]), *_as_blocks(content)]
    else:
        turns.append({"role": "system", "content": content})


def _add_result(turns: list[dict[str, Any]], message: Mapping[str, Any], at: str) -> None:
    """Results of calls made together are returned together, in one user turn of their own."""
    refuse_others(message, {"role", "content", "tool_call_id", "cache_control"}, at)
    content = _content(message["content"], f"{at}.content", _USER_PARTS)
    result = {
        "type": "tool_result", "tool_use_id": message["tool_call_id"], "content": content, **cache_mark(message, at),
    }  # fmt: skip
    if turns and turns[-1]["role"] == "user" and _only_results(turns[-1]["content"]):
        turns[-1]["content"].append(result)
    else:
        turns.append({"role": "user", "content": [result]})


def _only_results(content: Any) -> bool:
    return isinstance(content, list) and all(block["type"] == "tool_result" for block in content)


def _assistant(message: Mapping[str, Any], at: str) -> str | list[dict[str, Any]]:
    """What the assistant said; a refusal is what it said, too."""
    refuse_others(message, {"role", "content", "refusal", "tool_calls", "cache_control"}, at)
    said = [message[name] for name in ("content", "refusal") if message.get(name)]
    calls = message.get("tool_calls") or ()
    contents = [_content(content, f"{at}.content", {"text", "refusal"}) for content in said]
    if len(contents) == 1 and isinstance(contents[0], str) and not calls:
        return contents[0]
    blocks = [block for content in contents for block in _as_blocks(content)]
    blocks += [_call(call, f"{at}.tool_calls[{index}]") for index, call in enumerate(calls)]
    return blocks or refuse(f"{at}.content", "it must not be empty")


def _call(call: Mapping[str, Any], at: str) -> dict[str, Any]:
    function = call.get("function")
    if function is None:
        refuse(f"{at}.type", "only calls of function tools are known there")
    refuse_others(call, {"id", "type", "function", "index"}, at)
    written = function["arguments"]
    try:
        given = msgspec.json.decode(written) if written.strip() else {}
    except INVALID:
        given = None
    if not isinstance(given, dict):
        refuse(f"{at}.function.arguments", "it must be a JSON object")
    return {"type": "tool_use", "id": call["id"], "name": function["name"], "input": given}


_USER_PARTS = frozenset({"text", "image_url", "file"})


def _content(content: Any, at: str, known: Collection[str]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    return [_block(part, f"{at}[{index}]", known) for index, part in enumerate(content)]


def _as_blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _block(part: Mapping[str, Any], at: str, known: Collection[str]) -> dict[str, Any]:
    kind = part["type"]
    if kind not in known:
        refuse(f"{at}.type", f"content of type {kind} is not accepted")
    refuse_others(part, {"type", kind, *CACHE_MARKS}, at)
    if kind == "image_url":
        block = image_block(part, at)
    elif kind == "file":
        block = document_block(part, at)
    else:
        block = {"type": "text", "text": part[kind]}
    return {**block, **cache_mark(part, at)}


def _with_mark_of(
    message: Mapping[str, Any], at: str, content: str | list[dict[str, Any]]
) -> str | list[dict[str, Any]]:
    """The content, its last block with the mark that some clients put on the message."""
    mark = cache_mark(message, at)
    if not mark:
        return content
    *before, last = _as_blocks(content)
    return [*before, {**last, **mark}]
