"""The items of a responses request as chat messages.

What a model says in one turn (its text, the tools it calls) are several items here and one message there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from inference.wire.responses.checks import kind_of
from inference.wire.translate.refusal import refuse, refuse_others
from inference.wire.translate.responses_tools import CUSTOM_INPUT

_NAME_AND_STATE: Final = frozenset({"id", "status", "type"})


def conversation_to_chat(instructions: str | None, given: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if instructions:
        messages.append({"role": "system", "content": instructions})
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    for index, item in enumerate(given):
        _add(messages, item, f"input[{index}]")
    if not any(message["role"] != "system" for message in messages):
        refuse("input", "a conversation needs a user message there")
    return messages


def _add(messages: list[dict[str, Any]], item: dict[str, Any], at: str) -> None:
    match kind_of(item):
        case "message":
            _add_message(messages, item, at)
        case "function_call":
            refuse_others(_own(item), {"call_id", "name", "arguments"}, at)
            _add_call(messages, item, item["arguments"])
        case "custom_tool_call":
            refuse_others(_own(item), {"call_id", "name", "input"}, at)
            _add_call(messages, item, msgspec.json.encode({CUSTOM_INPUT: item["input"]}).decode())
        case "function_call_output" | "custom_tool_call_output":
            refuse_others(_own(item), {"call_id", "output", "name"}, at)
            output = _content(item["output"], f"{at}.output", _OUTPUT_PARTS)
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": output})
        case "reasoning":
            pass  # sealed by a model for itself: no other could read it
        case kind:
            refuse(f"{at}.type", f"items of type {kind} are its own provider's")


def _own(item: Mapping[str, Any]) -> dict[str, Any]:
    """Without the item's name and state, and without saying that the model called a tool directly."""
    told = {name: value for name, value in item.items() if name not in _NAME_AND_STATE}
    return {name: value for name, value in told.items() if (name, value) != ("caller", {"type": "direct"})}


def _add_message(messages: list[dict[str, Any]], item: Mapping[str, Any], at: str) -> None:
    refuse_others(_own(item), {"role", "content", "phase"}, at)
    role = item["role"]
    if role == "user":
        messages.append({"role": "user", "content": _content(item["content"], f"{at}.content", _USER_PARTS)})
    elif role == "assistant":
        _add_said(messages, _content(item["content"], f"{at}.content", _SAID_PARTS))
    else:
        messages.append({"role": "system", "content": _content(item["content"], f"{at}.content", ("input_text",))})


def _add_said(messages: list[dict[str, Any]], said: str | list[dict[str, Any]]) -> None:
    """Two messages in a row are two turns; text after calls belongs to the turn that made them."""
    last = messages[-1] if messages else {}
    if last.get("role") == "assistant" and last.get("content") is None:
        last["content"] = said
    else:
        messages.append({"role": "assistant", "content": said})


def _add_call(messages: list[dict[str, Any]], item: Mapping[str, Any], arguments: str) -> None:
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    function = {"name": item["name"], "arguments": arguments}
    messages[-1].setdefault("tool_calls", []).append({"id": item["call_id"], "type": "function", "function": function})


_USER_PARTS: Final = ("input_text", "input_image", "input_file", "input_audio")
_SAID_PARTS: Final = ("output_text", "refusal", "input_text")
_OUTPUT_PARTS: Final = ("input_text", "output_text", "input_image", "input_file")


def _content(content: Any, at: str, known: tuple[str, ...]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    parts = [_part(part, f"{at}[{index}]", known) for index, part in enumerate(content)]
    if len(parts) == 1 and parts[0]["type"] == "text":
        return str(parts[0]["text"])
    return parts or ""


def _part(part: Mapping[str, Any], at: str, known: tuple[str, ...]) -> dict[str, Any]:
    kind = part["type"]
    if kind not in known:
        refuse(f"{at}.type", f"content of type {kind} is not accepted")
    match kind:
        case "input_image":
            return _image(part, at)
        case "input_file":
            return _file(part, at)
        case "input_audio":
            refuse_others(part, {"type", "input_audio"}, at)
            return {"type": "input_audio", "input_audio": part["input_audio"]}
        case "refusal":
            return {"type": "text", "text": part["refusal"]}
        case _:
            refuse_others(part, {"type", "text", "annotations", "logprobs", "prompt_cache_breakpoint"}, at)
            return {"type": "text", "text": part["text"]}


def _image(part: Mapping[str, Any], at: str) -> dict[str, Any]:
    refuse_others(part, {"type", "image_url", "detail", "prompt_cache_breakpoint"}, at)
    if not part.get("image_url"):
        refuse(f"{at}.image_url", "an image needs a URL there")
    detail = part.get("detail")
    told = {} if detail in (None, "auto") else {"detail": detail}
    return {"type": "image_url", "image_url": {"url": part["image_url"], **told}}


def _file(part: Mapping[str, Any], at: str) -> dict[str, Any]:
    refuse_others(part, {"type", "file_data", "filename", "prompt_cache_breakpoint"}, at)
    if not part.get("file_data"):
        refuse(f"{at}.file_data", "a file is sent inline there")
    named = {"filename": part["filename"]} if part.get("filename") else {}
    return {"type": "file", "file": {"file_data": part["file_data"], **named}}
