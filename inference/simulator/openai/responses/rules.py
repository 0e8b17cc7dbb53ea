"""What OpenAI refuses in a request for a response whose shape is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from inference.simulator.openai.errors import invalid
from inference.simulator.openai.models import Ability, effort_refusal, sampling_refusal
from inference.simulator.openai.responses import wire
from inference.simulator.openai.responses.parsing import Parsed
from inference.simulator.openai.rules import schema_problem
from inference.simulator.refusals import Refusal

ENCRYPTED = "gAAAAAsim"
"""What the encrypted reasoning of this simulator starts with; another provider's is refused."""


def refusal_of(parsed: Parsed, items: Sequence[wire.Item], ability: Ability | None) -> Refusal | None:
    """The first rule that the request breaks. `items` has the earlier turns too."""
    for rule in _RULES:
        refusal = rule(parsed)
        if refusal:
            return refusal
    return _answered_calls(items) or (_abilities(parsed.request, ability) if ability else None)


def _combinations(parsed: Parsed) -> Refusal | None:
    request = parsed.request
    if request.prompt is not None:
        return Refusal(404, "invalid_request_error", f"Prompt with id '{request.prompt.get('id')}' not found.")
    if request.input is None:
        return invalid("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    if request.stream_options is not None and not request.stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return invalid(message, param="stream_options")
    if request.previous_response_id is not None and request.conversation is not None:
        message = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'."
        return invalid(message, param="previous_response_id", code="mutually_exclusive_parameters")
    if request.background and request.store is False:
        return invalid("Background responses must be stored.", param="background")
    return None


def _tools(parsed: Parsed) -> Refusal | None:
    names = [tool.name for tool in parsed.tools if not isinstance(tool, wire.WebSearchTool)]
    for index, tool in enumerate(parsed.tools):
        if not isinstance(tool, wire.FunctionTool) or tool.parameters is None:
            continue
        problem = schema_problem(tool.parameters, strict=bool(tool.strict))
        if problem:
            message = f"Invalid schema for function '{tool.name}': {problem}"
            return invalid(message, param=f"tools[{index}].parameters", code="invalid_function_parameters")
    choice = parsed.choice
    if isinstance(choice, wire.NamedChoice) and choice.name not in names:
        return invalid(f"Tool choice '{choice.name}' not found in 'tools' parameter.", param="tool_choice")
    if not isinstance(choice, str | wire.NamedChoice) or choice == "required":
        return None if parsed.tools else invalid("'tool_choice' needs 'tools'.", param="tool_choice")
    return None


def _formats(parsed: Parsed) -> Refusal | None:
    wanted = parsed.request.text.format if parsed.request.text else None
    if isinstance(wanted, wire.JsonObjectFormat):
        said = msgspec.json.encode(parsed.request.input).lower() + (parsed.request.instructions or "").lower().encode()
        if b"json" not in said:
            message = "'input' must contain the word 'json' in some form to use 'text.format' of type 'json_object'."
            return invalid(message, param="input")
    if isinstance(wanted, wire.JsonSchemaFormat):
        problem = schema_problem(wanted.schema, strict=bool(wanted.strict))
        if problem:
            message = f"Invalid schema for response_format '{wanted.name}': {problem}"
            return invalid(message, param="text.format.schema", code="invalid_json_schema")
    return None


def _reasoning_items(parsed: Parsed) -> Refusal | None:
    for item in parsed.items:
        sealed = item.encrypted_content if isinstance(item, wire.ReasoningItem) else None
        if sealed and not sealed.startswith(ENCRYPTED):
            message = f"The encrypted content for item {item.id} could not be verified."
            return invalid(message, code="invalid_encrypted_content")
    return None


def _answered_calls(items: Sequence[wire.Item]) -> Refusal | None:
    """Every call of a tool has its output, and every output its call."""
    called: dict[str, str] = {}
    for item in items:
        if isinstance(item, wire.FunctionCall | wire.CustomCall):
            called[item.call_id] = "function" if isinstance(item, wire.FunctionCall) else "custom tool"
        elif isinstance(item, wire.FunctionCallOutput | wire.CustomCallOutput):
            kind = "function" if isinstance(item, wire.FunctionCallOutput) else "custom tool"
            if called.pop(item.call_id, None) != kind:
                message = f"No tool call found for {kind} call output with call_id {item.call_id}."
                return invalid(message, param="input")
    for call_id, kind in called.items():
        return invalid(f"No tool output found for {kind} call {call_id}.", param="input")
    return None


def _abilities(request: wire.ResponseRequest, ability: Ability) -> Refusal | None:
    effort = request.reasoning.effort if request.reasoning else None
    refusal = effort_refusal(effort, ability, param="reasoning.effort")
    if refusal or (effort or ability.default_effort) == "none":
        return refusal
    return sampling_refusal({"temperature": (request.temperature, 1), "top_p": (request.top_p, 1)})


_RULES: tuple[Callable[[Parsed], Refusal | None], ...] = (_combinations, _tools, _formats, _reasoning_items)
