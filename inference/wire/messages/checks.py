"""What is wrong with a messages request, as far as Asahi acts on it. All other fields are the provider's to judge."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from inference.wire.checks import Invalid, first_stored, shape_problem
from inference.wire.messages.stored import other_models, stored_objects

Text = Annotated[str, msgspec.Meta(min_length=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[dict[str, Any]] | None = None
    output_config: dict[str, Any] | None = None


class Tool(msgspec.Struct):
    name: Text | None = None
    type: Text | None = None
    input_schema: dict[str, Any] | None = None


class Typed(msgspec.Struct):
    type: Text


class OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: dict[str, Any] | None = None


class Container(msgspec.Struct):
    skills: list[dict[str, Any]] | None = None


class Request(msgspec.Struct):
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_tokens: Annotated[int, msgspec.Meta(ge=0)]
    model: Text | None = None
    stream: bool | None = None
    system: str | list[dict[str, Any]] | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    top_k: Annotated[int, msgspec.Meta(ge=0)] | None = None
    stop_sequences: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: Typed | None = None
    thinking: Typed | None = None
    output_config: OutputConfig | None = None
    metadata: dict[str, Any] | None = None
    container: Container | str | None = None
    mcp_servers: list[dict[str, Any]] | None = None
    diagnostics: dict[str, Any] | None = None
    billing_policy: dict[str, Any] | None = None


def check(body: dict[str, Any], *, own_account: bool = False) -> Invalid | None:
    """The first problem found, or None. `own_account`: the call is made with the organization's own provider key."""
    if problem := shape_problem(body, Request):
        return problem
    if isinstance(system := body.get("system"), list) and (problem := _blocks_problem("system", system)):
        return problem
    for index, message in enumerate(body["messages"]):
        content, last = message.get("content"), index == len(body["messages"]) - 1
        if content is None and not (message["role"] == "system" and message.get("output_config")):
            return Invalid(f"messages[{index}].content", f"Missing required field 'messages[{index}].content'.")
        if content is not None and not content and not (message["role"] == "assistant" and last):
            return Invalid(f"messages[{index}].content", f"Invalid 'messages[{index}].content': it must not be empty.")
        if isinstance(content, list) and (problem := _blocks_problem(f"messages[{index}].content", content)):
            return problem
    return other_models(body) or (None if own_account else first_stored(stored_objects(body)))


_REQUIRED: dict[str, tuple[str, type]] = {
    "text": ("text", str),
    "image": ("source", dict),
    "document": ("source", dict),
    "tool_use": ("input", dict),
    "tool_result": ("tool_use_id", str),
}
"""The field without which a block of a type says nothing."""


def _blocks_problem(at: str, blocks: list[dict[str, Any]]) -> Invalid | None:
    for index, block in enumerate(blocks):
        kind = block.get("type")
        if not isinstance(kind, str):
            return Invalid(f"{at}[{index}].type", f"Missing or invalid '{at}[{index}].type': expected str.")
        field, expected = _REQUIRED.get(kind, ("type", str))
        if not isinstance(block.get(field), expected):
            path = f"{at}[{index}].{field}"
            return Invalid(path, f"Missing or invalid '{path}': expected {expected.__name__}.")
    return None
