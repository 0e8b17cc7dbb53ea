"""What is wrong with a responses request, as far as Asahi acts on it. All other fields are the provider's to judge."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from inference.wire.checks import Invalid, first_stored, shape_problem
from inference.wire.responses.fields import FIELDS
from inference.wire.responses.stored import stored_objects

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Typed(msgspec.Struct):
    type: Text


class Named(msgspec.Struct):
    """A function is named, and its schema is an object; other tools have fields of their own."""

    type: Text
    name: str | None = None
    parameters: dict[str, Any] | None = None


class TextConfig(msgspec.Struct):
    format: Typed | None = None
    verbosity: str | None = None


class Reasoning(msgspec.Struct):
    effort: str | None = None


class Item(msgspec.Struct):
    type: str | None = None
    role: str | None = None
    content: str | list[dict[str, Any]] | None = None
    call_id: str | None = None
    id: str | None = None


class Request(msgspec.Struct):
    input: str | list[Item]
    model: Text | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    include: list[str] | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    max_tool_calls: Annotated[int, msgspec.Meta(ge=0)] | None = None
    metadata: dict[str, str] | None = None
    parallel_tool_calls: bool | None = None
    prompt_cache_options: dict[str, Any] | None = None
    reasoning: Reasoning | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    text: TextConfig | None = None
    tool_choice: str | Typed | None = None
    tools: list[Named] | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    user: str | None = None


def check(body: dict[str, Any], *, own_account: bool = False) -> Invalid | None:
    """The first problem found, or None. `own_account`: the call is made with the organization's own provider key."""
    return (
        _refused(body)
        or shape_problem(body, Request)
        or _combinations(body)
        or _tools(body)
        or _items(body)
        or (None if own_account else first_stored(stored_objects(body)))
    )


def _refused(body: dict[str, Any]) -> Invalid | None:
    for name in ("conversation", "prompt", "service_tier"):
        rule = FIELDS[""][name]
        if rule.refuses(body.get(name)):
            return Invalid(name, f"'{name}' is not accepted: {rule.why}.")
    return None


def _combinations(body: dict[str, Any]) -> Invalid | None:
    if body["input"] in ("", []) and body.get("previous_response_id") is None:
        return Invalid("input", "Invalid 'input': it is empty.")
    if body.get("stream_options") is not None and not body.get("stream"):
        return Invalid("stream_options", "'stream_options' is only allowed when 'stream' is true.")
    if body.get("background") and body.get("store") is False:
        return Invalid("background", "'background' needs 'store': its answer is fetched later.")
    return None


def _tools(body: dict[str, Any]) -> Invalid | None:
    """Tools that run in the provider's account at prices of their own are refused, whatever model is asked."""
    for index, tool in enumerate(body.get("tools") or ()):
        at, kind = f"tools[{index}]", tool["type"]
        if kind in ("function", "custom") and not tool.get("name"):
            return Invalid(f"{at}.name", f"Missing required field '{at}.name'.")
        rule = FIELDS.get(f"tools:{kind}", {}).get("type")
        if rule is not None and rule is not _NEEDS_KEY and rule.refuses(kind):
            return Invalid(f"{at}.type", f"'{at}.type' is not accepted: {rule.why}.")
        where = tool.get("environment")
        if kind == "shell" and isinstance(where, dict) and where.get("type") != "local":
            path = f"{at}.environment.type"
            return Invalid(path, f"'{path}' is not accepted: a container runs in the provider's account, for a fee.")
    return None


_NEEDS_KEY = FIELDS["tools:file_search"]["type"]

_REQUIRED: dict[str, tuple[str, ...]] = {
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "custom_tool_call": ("call_id", "name", "input"),
    "custom_tool_call_output": ("call_id", "output"),
    "item_reference": ("id",),
}
"""The fields without which an item of a type says nothing."""

_ROLES = ("user", "assistant", "system", "developer")
_PARTS: dict[str, str] = {"input_text": "text", "output_text": "text", "refusal": "refusal"}


def _items(body: dict[str, Any]) -> Invalid | None:
    if isinstance(body["input"], str):
        return None
    for index, item in enumerate(body["input"]):
        at, kind = f"input[{index}]", kind_of(item)
        if kind == "message" and (problem := _message(at, item)):
            return problem
        rule = FIELDS.get(f"input:{kind}", {}).get("type")
        if rule is not None and rule.refuses(kind):
            return Invalid(f"{at}.type", f"'{at}.type' is not accepted: {rule.why}.")
        for name in _REQUIRED.get(kind, ()):
            if item.get(name) is None:
                return Invalid(f"{at}.{name}", f"Missing required field '{at}.{name}'.")
    return None


def kind_of(item: dict[str, Any]) -> str:
    """An item without a type is a message, or, when it has nothing but an id, a reference."""
    return item.get("type") or ("item_reference" if item.keys() <= {"id", "type"} else "message")


def _message(at: str, item: dict[str, Any]) -> Invalid | None:
    if item.get("role") not in _ROLES:
        return Invalid(f"{at}.role", f"Invalid '{at}.role': expected one of {', '.join(_ROLES)}.")
    content = item.get("content")
    if content is None:
        return Invalid(f"{at}.content", f"Missing required field '{at}.content'.")
    for index, part in enumerate(content if isinstance(content, list) else ()):
        path, kind = f"{at}.content[{index}]", part.get("type")
        if not isinstance(kind, str):
            return Invalid(f"{path}.type", f"Missing or invalid '{path}.type': expected str.")
        if (field := _PARTS.get(kind)) and not isinstance(part.get(field), str):
            return Invalid(f"{path}.{field}", f"Missing or invalid '{path}.{field}': expected str.")
    return None


def unresolved(body: dict[str, Any]) -> Invalid | None:
    """What a checked request refers to that is not in it. Such a request cannot be made as it is."""
    if body.get("previous_response_id") is not None:
        return Invalid("previous_response_id", "'previous_response_id' is not accepted here: send the conversation.")
    for index, item in enumerate(body["input"] if isinstance(body["input"], list) else ()):
        if kind_of(item) == "item_reference":
            return Invalid(f"input[{index}].type", f"'input[{index}].type' is not accepted here: send the item.")
    return None
