"""What OpenAI refuses in a chat request whose shape is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from inference.simulator.openai import sounds, wire
from inference.simulator.openai.errors import invalid
from inference.simulator.refusals import Refusal
from inference.simulator.schema_shapes import problem_of

_TOOL_ROLE = "messages with role 'tool' must follow a message with 'tool_calls'"


def refusal_of(request: wire.ChatRequest) -> Refusal | None:
    """The first rule that the request breaks."""
    for rule in _RULES:
        refusal = rule(request)
        if refusal:
            return refusal
    return None


def _streaming(request: wire.ChatRequest) -> Refusal | None:
    if request.stream_options is not None and not request.stream:
        return invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    return None


def _limits(request: wire.ChatRequest) -> Refusal | None:
    if request.max_tokens is not None and request.max_completion_tokens is not None:
        return invalid(
            "'max_tokens' and 'max_completion_tokens' cannot both be set.", param="max_tokens", code="invalid_parameter"
        )
    if request.top_logprobs is not None and not request.logprobs:
        return invalid("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs", code="invalid_value")
    return sounds.refusal_of(request)


def _tools(request: wire.ChatRequest) -> Refusal | None:
    if request.tools is None:
        return _without_tools(request)
    names = [tool_name(tool) for tool in request.tools]
    choice = request.tool_choice
    if isinstance(choice, wire.FunctionChoice | wire.CustomChoice):
        chosen = choice.function.name if isinstance(choice, wire.FunctionChoice) else choice.custom.name
        if chosen not in names:
            return invalid(f"Tool choice '{chosen}' was not found in 'tools'.", param="tool_choice")
    offered = [
        (f"tools[{at}].function", tool.function)
        for at, tool in enumerate(request.tools)
        if isinstance(tool, wire.FunctionTool)
    ]
    return _functions(offered)


def _functions(offered: Iterable[tuple[str, wire.FunctionDefinition]]) -> Refusal | None:
    for at, function in offered:
        if function.parameters is None:
            continue
        problem = schema_problem(function.parameters, strict=bool(function.strict))
        if problem:
            message = f"Invalid schema for function '{function.name}': {problem}"
            return invalid(message, param=f"{at}.parameters", code="invalid_function_parameters")
    return None


def _without_tools(request: wire.ChatRequest) -> Refusal | None:
    for name in ("tool_choice", "parallel_tool_calls"):
        if getattr(request, name) not in (None, "none"):
            return invalid(f"'{name}' is only allowed when 'tools' are specified.", param=name)
    return _functions((f"functions[{at}]", function) for at, function in enumerate(request.functions or ()))


def _formats(request: wire.ChatRequest) -> Refusal | None:
    wanted = request.response_format
    if isinstance(wanted, wire.JsonObjectFormat):
        words = msgspec.json.encode(request.messages).lower()
        if b"json" not in words:
            return invalid(
                "'messages' must contain the word 'json' in some form to use 'response_format' of type 'json_object'.",
                param="messages",
            )
    if isinstance(wanted, wire.JsonSchemaFormat):
        schema = wanted.json_schema.schema
        if schema is None:
            return invalid(
                "Missing required parameter: 'response_format.json_schema.schema'.",
                param="response_format.json_schema.schema",
                code="missing_required_parameter",
            )
        problem = schema_problem(schema, strict=bool(wanted.json_schema.strict))
        if problem:
            message = f"Invalid schema for response_format '{wanted.json_schema.name}': {problem}"
            return invalid(message, param="response_format", code="invalid_json_schema")
    return None


def _conversation(request: wire.ChatRequest) -> Refusal | None:
    """Every tool call is answered right after it, and nothing else is."""
    open_calls: list[str] = []
    answering = False
    for index, message in enumerate(request.messages):
        if isinstance(message, wire.ToolMessage):
            if not answering:
                return invalid(f"Invalid parameter: {_TOOL_ROLE}.", param=f"messages.[{index}].role")
            if message.tool_call_id not in open_calls:
                at = f"messages[{index}].tool_call_id"
                return invalid(f"'tool_call_id' '{message.tool_call_id}' answers no call of 'tool_calls'.", param=at)
            open_calls.remove(message.tool_call_id)
            continue
        if open_calls:
            break
        if isinstance(message, wire.AssistantMessage):
            open_calls = [call.id for call in message.tool_calls] if message.tool_calls else []
            others = open_calls or message.function_call or message.refusal or message.audio
            if message.content is None and not others:
                return invalid(
                    f"Invalid value for 'messages[{index}].content': without tool calls it cannot be null.",
                    param=f"messages[{index}].content",
                )
        answering = isinstance(message, wire.AssistantMessage) and bool(open_calls)
    if open_calls:
        message_text = (
            "An assistant message with 'tool_calls' must be followed by tool messages for each 'tool_call_id'. "
        )
        return invalid(message_text + f"Unanswered: {', '.join(open_calls)}", param="messages")
    return None


def tool_name(tool: wire.FunctionTool | wire.CustomTool) -> str:
    return tool.function.name if isinstance(tool, wire.FunctionTool) else tool.custom.name


def schema_problem(schema: Mapping[str, Any], *, strict: bool) -> str | None:
    """What keeps a schema from being taken for a tool or an answer."""
    return _not_an_object(schema) or (_strictness(schema) if strict else None)


def _not_an_object(schema: Mapping[str, Any]) -> str | None:
    problem = problem_of(schema)
    if problem or (schema.get("type", "object") == "object" and "anyOf" not in schema):
        return problem
    return f"schema must have type 'object' at its root, got type: {schema.get('type')!r}."


def _strictness(schema: Any, where: tuple[str, ...] = ()) -> str | None:
    """In strict mode every object lists all its properties as required and allows no others."""
    if isinstance(schema, list):
        return next((found for item in schema if (found := _strictness(item, where))), None)
    if not isinstance(schema, Mapping):
        return None
    return _loose_object(schema, where) or next(
        (found for inner, path in _inner_schemas(schema, where) if (found := _strictness(inner, path))), None
    )


def _loose_object(schema: Mapping[str, Any], where: tuple[str, ...]) -> str | None:
    properties = schema.get("properties")
    if schema.get("type") != "object" and not isinstance(properties, Mapping):
        return None
    if schema.get("additionalProperties") is not False:
        return f"In context={where}, 'additionalProperties' is required to be supplied and to be false."
    missing = sorted(set(properties or ()) - set(schema.get("required", ())))
    if missing:
        return f"In context={where}, 'required' must include every key in properties. Missing '{missing[0]}'."
    return None


def _inner_schemas(schema: Mapping[str, Any], where: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    for key in ("items", "anyOf", "allOf", "prefixItems"):
        yield schema.get(key), (*where, key)
    for key in ("properties", "$defs", "definitions"):
        for name, inner in (schema.get(key) or {}).items():
            yield inner, (*where, key, name)


_RULES: tuple[Callable[[wire.ChatRequest], Refusal | None], ...] = (
    _streaming,
    _limits,
    _tools,
    _formats,
    _conversation,
)
