"""What is wrong with a chat request, as far as Asahi acts on it. All other fields are the provider's to judge."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from inference.wire.chat.stored import stored_objects
from inference.wire.checks import Invalid, first_stored, shape_problem

Text = Annotated[str, msgspec.Meta(min_length=1)]
PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Penalty = Annotated[float, msgspec.Meta(ge=-2, le=2)]


class FunctionCall(msgspec.Struct):
    name: str
    arguments: str


class ToolCall(msgspec.Struct):
    id: Text
    function: FunctionCall | None = None


class Message(msgspec.Struct):
    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: Text | None = None
    function_call: FunctionCall | None = None
    audio: dict[str, Any] | None = None


class Function(msgspec.Struct):
    name: Text
    parameters: dict[str, Any] | None = None


class Tool(msgspec.Struct):
    type: Text
    function: Function | None = None


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class ResponseFormat(msgspec.Struct):
    type: Text
    json_schema: dict[str, Any] | None = None


class Request(msgspec.Struct):
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    model: Text | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    tools: list[Tool] | None = None
    functions: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    modalities: list[str] | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None


def check(body: dict[str, Any], *, own_account: bool = False) -> Invalid | None:
    """The first problem found, or None. `own_account`: the call is made with the organization's own provider key."""
    if problem := shape_problem(body, Request):
        return problem
    for index, message in enumerate(body["messages"]):
        if problem := _message_problem(f"messages[{index}]", message):
            return problem
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        return Invalid("max_tokens", "Give only one of 'max_tokens' and 'max_completion_tokens': they say the same.")
    if body.get("stream_options") is not None and not body.get("stream"):
        return Invalid("stream_options", "'stream_options' is only allowed when 'stream' is true.")
    return None if own_account else first_stored(stored_objects(body))


def _message_problem(at: str, message: dict[str, Any]) -> Invalid | None:
    role, content = message["role"], message.get("content")
    if role == "tool" and "tool_call_id" not in message:
        return Invalid(f"{at}.tool_call_id", f"Missing required field '{at}.tool_call_id' of a tool message.")
    if content is None:
        says_otherwise = any(message.get(field) for field in ("tool_calls", "function_call", "refusal", "audio"))
        if role == "function" or (role == "assistant" and says_otherwise):
            return None
        return Invalid(f"{at}.content", f"Missing required field '{at}.content'.")
    if isinstance(content, list):
        return _parts_problem(f"{at}.content", content)
    return None


def _parts_problem(at: str, parts: list[dict[str, Any]]) -> Invalid | None:
    if not parts:
        return Invalid(at, f"Invalid '{at}': expected at least one content part.")
    for index, part in enumerate(parts):
        kind = part.get("type")
        if not isinstance(kind, str):
            return Invalid(f"{at}[{index}].type", f"Missing or invalid '{at}[{index}].type': expected str.")
        if kind == "text" and not isinstance(part.get("text"), str):
            return Invalid(f"{at}[{index}].text", f"Missing or invalid '{at}[{index}].text': expected str.")
        if kind == "image_url" and not _has_url(part.get("image_url")):
            path = f"{at}[{index}].image_url.url"
            return Invalid(path, f"Missing or invalid '{path}': expected str.")
    return None


def _has_url(image: Any) -> bool:
    return isinstance(image, dict) and isinstance(image.get("url"), str) and bool(image["url"])
