"""A chat request as a responses request, for models that speak nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from inference.wire.chat.foreign_marks import without_foreign_marks
from inference.wire.chat.request import max_output_tokens
from inference.wire.translate.refusal import Untranslatable, present, refuse, refuse_others, refusing

Json = dict[str, Any]

_TRANSLATED: Final = frozenset(
    {
        "model", "messages", "max_tokens", "max_completion_tokens", "stream", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "reasoning_effort", "verbosity", "temperature", "top_p",
        "service_tier", "user", "safety_identifier", "web_search_options", "prompt_cache_key",
        "prompt_cache_retention",
    }
)  # fmt: skip
_HINTS: Final = frozenset({"stream_options", "prompt_cache_options", "prediction", "metadata", "store"})
"""How an answer is delivered, labelled or made sooner: no part of what is asked."""

_NEUTRAL: Final[Mapping[str, Any]] = {
    "n": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "function_call": "auto",
    "modalities": ["text"],
}
_SAME: Final = (
    "model", "stream", "parallel_tool_calls", "temperature", "top_p", "service_tier", "user", "safety_identifier",
    "prompt_cache_key", "prompt_cache_retention",
)  # fmt: skip


def chat_to_responses(body: Mapping[str, Any]) -> Json | Untranslatable:
    """The same request, or what of it cannot be expressed there."""
    return refusing(lambda: _request(present(without_foreign_marks(dict(body)))))


def _request(body: Json) -> Json:
    telling = {name: value for name, value in body.items() if name not in _NEUTRAL or value != _NEUTRAL[name]}
    refuse_others(telling, _TRANSLATED | _HINTS)
    effort, verbosity = body.get("reasoning_effort"), body.get("verbosity")
    text = {**_format(body.get("response_format")), **({"verbosity": verbosity} if verbosity else {})}
    tools = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(body.get("tools") or ())]
    if (search := body.get("web_search_options")) is not None:
        tools.append(_search(search))
    request = {
        **{name: body.get(name) for name in _SAME},
        "input": _items(body["messages"]),
        "max_output_tokens": max_output_tokens(body),
        "reasoning": {"effort": effort} if effort else None,
        "text": text or None,
        "tools": tools or None,
        "tool_choice": _choice(body.get("tool_choice")) if body.get("tools") else None,
    }
    return present(request)


def _format(wanted: Mapping[str, Any] | None) -> Json:
    if wanted is None or wanted["type"] == "text":
        return {}
    described = wanted.get("json_schema") or {}
    refuse_others(described, {"name", "description", "schema", "strict"}, "response_format.json_schema")
    return {"format": {"type": wanted["type"], **described}}


def _tool(tool: Mapping[str, Any], at: str) -> Json:
    kind = tool["type"]
    if kind not in ("function", "custom"):
        refuse(f"{at}.type", "only function and custom tools are known there")
    inner = tool[kind]
    if kind == "function":
        refuse_others(inner, {"name", "description", "parameters", "strict"}, f"{at}.function")
        return {"type": kind, "parameters": None, "strict": False, **inner}
    told = dict(inner)
    if (written := told.get("format") or {}).get("type") == "grammar":
        told["format"] = {"type": "grammar", **written["grammar"]}
    return {"type": kind, **told}


def _search(options: Mapping[str, Any]) -> Json:
    refuse_others(options, {"search_context_size", "user_location"}, "web_search_options")
    where = options.get("user_location")
    location = {"type": "approximate", **where["approximate"]} if where else None
    size = options.get("search_context_size")
    return present({"type": "web_search", "search_context_size": size, "user_location": location})


def _choice(choice: Any) -> Any:
    match choice:
        case {"type": "function" | "custom" as kind}:
            return {"type": kind, "name": choice[kind]["name"]}
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}:
            named = [{"type": tool["type"], "name": tool[tool["type"]]["name"]} for tool in tools]
            return {"type": "allowed_tools", "mode": mode, "tools": named}
        case _:
            return choice


def _items(messages: list[Json]) -> list[Json]:
    custom = {
        call["id"] for message in messages for call in message.get("tool_calls") or () if call.get("type") == "custom"
    }
    return [item for index, said in enumerate(messages) for item in _said(said, f"messages[{index}]", custom)]


def _said(message: Json, at: str, custom: set[str]) -> list[Json]:
    role, content = message["role"], message.get("content")
    if role == "tool":
        refuse_others(message, {"role", "content", "tool_call_id"}, at)
        kind = "custom_tool_call_output" if message["tool_call_id"] in custom else "function_call_output"
        output = _content(content, f"{at}.content", "input_text")
        return [{"type": kind, "call_id": message["tool_call_id"], "output": output}]
    if role != "assistant":
        if role == "function":
            refuse(f"{at}.role", "use tool messages instead")
        refuse_others(message, {"role", "content"}, at)
        return [{"role": role, "content": _content(content, f"{at}.content", "input_text")}]
    refuse_others(message, {"role", "content", "refusal", "tool_calls"}, at)
    said = [{"role": role, "content": _content(content, f"{at}.content", "output_text")}] if content else []
    if message.get("refusal"):
        said.append({"role": role, "content": [{"type": "refusal", "refusal": message["refusal"]}]})
    return [*said, *(_call(call, f"{at}.tool_calls[{i}]") for i, call in enumerate(message.get("tool_calls") or ()))]


def _call(call: Mapping[str, Any], at: str) -> Json:
    if inner := call.get("function"):
        refuse_others(call, {"id", "type", "function", "index"}, at)
        return {"type": "function_call", "call_id": call["id"], "name": inner["name"], "arguments": inner["arguments"]}
    if inner := call.get("custom"):
        return {"type": "custom_tool_call", "call_id": call["id"], "name": inner["name"], "input": inner["input"]}
    return refuse(f"{at}.type", "only calls of function and custom tools are known there")


def _content(content: Any, at: str, text: str) -> Any:
    if isinstance(content, str):
        return content
    return [_part(part, f"{at}[{index}]", text) for index, part in enumerate(content)]


def _part(part: Mapping[str, Any], at: str, text: str) -> Json:
    kind = part["type"]
    if kind == "text":
        return {"type": text, "text": part["text"]}
    if kind == "refusal":
        return {"type": "refusal", "refusal": part["refusal"]}
    if kind == "image_url":
        image = part["image_url"]
        refuse_others(image, {"url", "detail"}, f"{at}.image_url")
        return {"type": "input_image", "image_url": image["url"], "detail": image.get("detail") or "auto"}
    if kind == "file":
        refuse_others(part["file"], {"file_data", "filename"}, f"{at}.file")
        return {"type": "input_file", **part["file"]}
    return refuse(f"{at}.type", f"content of type {kind} is not accepted")
