"""POST /v2/chat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import msgspec

from inference.simulator.cohere import wire
from inference.simulator.cohere.errors import invalid, misfit, not_json, unknown_model
from inference.simulator.cohere.rendering import events, usage_of, whole
from inference.simulator.prompts import Prompt, Segment, Tool, ToolRules, ToolUse
from inference.simulator.refusals import Refusal, unknown_field, violation_of
from inference.simulator.replies import Metered, Prepared, Reply
from inference.simulator.schema_shapes import problem_of
from inference.simulator.schemas import UnsatisfiableSchemaError
from inference.simulator.world import World

PROVIDER = "cohere"
_DECODER = msgspec.json.Decoder(wire.ChatRequest)
_SETTINGS = ("temperature", "p", "k", "seed", "frequency_penalty", "presence_penalty", "safety_mode")


def prepare(world: World, *, body: bytes) -> Prepared | Refusal:
    try:
        request = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        return misfit(violation_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return not_json(str(error))
    stray = unknown_field(msgspec.json.decode(body), request)
    if stray:
        return misfit(stray)
    if not world.catalogue.chats(PROVIDER, request.model):
        return unknown_model(request.model)
    refusal = _rules(request)
    return refusal or Prepared(PROVIDER, request.model, partial(_perform, world, request), stream=bool(request.stream))


def _rules(request: wire.ChatRequest) -> Refusal | None:
    if request.tool_choice is not None and not request.tools:
        return invalid("tool_choice can only be specified when tools are given.")
    if isinstance(request.response_format, wire.JsonFormat) and (request.tools or request.documents):
        return invalid("response_format is not supported together with tools or documents.")
    if isinstance(request.messages[-1], wire.AssistantMessage):
        return invalid("the last message must be from a user, a tool or the system.")
    refusal = _schemas(request)
    if refusal:
        return refusal
    called: set[str] = set()
    for message in request.messages:
        problem = _problem(message, called)
        if problem:
            return invalid(problem)
        if isinstance(message, wire.AssistantMessage):
            called |= {call.id for call in message.tool_calls or ()}
    return None


def _schemas(request: wire.ChatRequest) -> Refusal | None:
    schemas = [(f"tool {tool.function.name}", tool.function.parameters) for tool in request.tools or ()]
    if isinstance(request.response_format, wire.JsonFormat):
        wanted = request.response_format.json_schema or request.response_format.schema
        schemas += [("response_format", wanted)] if wanted else []
    for where, schema in schemas:
        problem = problem_of(schema)
        if problem:
            return invalid(f"the schema of {where} is invalid: {problem}")
    return None


def _problem(message: wire.Message, called: set[str]) -> str | None:
    """What is wrong with one message, given the tool calls before it."""
    if isinstance(message, wire.AssistantMessage) and not message.content and not message.tool_calls:
        return "an assistant message must have content or tool calls."
    if isinstance(message, wire.ToolMessage) and message.tool_call_id not in called:
        return f"tool_call_id '{message.tool_call_id}' belongs to no earlier tool call."
    if isinstance(message, wire.UserMessage) and not _text(message):
        return "message must be at least 1 token long or tool results must be specified."
    return None


def _perform(world: World, request: wire.ChatRequest) -> Reply | Refusal:
    prompt = _prompt(request)
    prompt_tokens = sum(segment.tokens for segment in prompt.segments) + 3
    context = world.catalogue.context(PROVIDER, request.model)
    if context is not None and prompt_tokens > context:
        return Refusal(400, "", f"too many tokens: the limit is {context} tokens, received {prompt_tokens}.")
    try:
        answer = world.author.answer(prompt)
    except UnsatisfiableSchemaError as error:
        return invalid(f"schema: {error}")
    cache = world.automatic_cache.use(f"{PROVIDER}/{request.model}", prompt.segments, total=prompt_tokens)
    usage = usage_of(answer, prompt_tokens=prompt_tokens, cached=cache.read)
    call_id = world.new_id("", 32)
    metered = Metered(prompt_tokens, answer.output_tokens, cache.read)
    if request.stream:
        return Reply(call_id, metered, events=events(answer, call_id=call_id, usage=usage))
    return Reply(call_id, metered, body=whole(answer, call_id=call_id, usage=usage))


def _prompt(request: wire.ChatRequest) -> Prompt:
    wanted = request.response_format
    schema = (wanted.json_schema or wanted.schema) if isinstance(wanted, wire.JsonFormat) else None
    users = [message for message in request.messages if isinstance(message, wire.UserMessage)]
    return Prompt(
        provider=PROVIDER,
        model=request.model,
        segments=tuple(_segments(request)),
        question=_text(users[-1]) if users else "",
        after_tool=isinstance(request.messages[-1], wire.ToolMessage),
        tool_rules=_tool_rules(request),
        wants_json=isinstance(wanted, wire.JsonFormat),
        schema=schema,
        settings=msgspec.json.encode([getattr(request, name) for name in _SETTINGS]),
        max_tokens=request.max_tokens,
        stop=tuple(request.stop_sequences or ()),
        thinks_aloud=request.thinking is not None and request.thinking.type == "enabled",
    )


def _segments(request: wire.ChatRequest) -> Iterator[Segment]:
    for part in (request.tools, request.documents):
        if part:
            yield Segment(msgspec.json.encode(part, order="sorted").decode())
    for message in request.messages:
        yield Segment(f"{message.__struct_config__.tag}\n{_text(message)}")


def _text(message: wire.Message) -> str:
    """All that a message says, calls of tools included."""
    texts = [message.content] if isinstance(message.content, str) else [_part(part) for part in message.content or ()]
    if isinstance(message, wire.AssistantMessage):
        texts += [f"{call.function.name} {call.function.arguments}" for call in message.tool_calls or ()]
    return "\n".join(texts)


def _part(part: wire.TextContent | wire.ThinkingContent | wire.ImageContent | wire.DocumentContent) -> str:
    match part:
        case wire.TextContent():
            return part.text
        case wire.ImageContent():
            return part.image_url.url[:200]
        case wire.DocumentContent():
            return msgspec.json.encode(part.document, order="sorted").decode()
        case _:
            return ""


def _tool_rules(request: wire.ChatRequest) -> ToolRules:
    rules = ToolRules(tuple(Tool(tool.function.name, tool.function.parameters) for tool in request.tools or ()))
    uses = {"REQUIRED": ToolUse.MUST, "NONE": ToolUse.NEVER}
    return replace(rules, use=uses[request.tool_choice]) if request.tool_choice else rules
