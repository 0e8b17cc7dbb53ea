"""The request bodies of the compatible routes as OpenAPI has them.

A body is described by the very type that checks it and by the table that says what becomes of each of its fields, so
the document promises what the gateway does. Fields that neither names go to the provider as they are.
"""

from __future__ import annotations

from typing import Any

import msgspec

from inference.wire.chat import checks as chat
from inference.wire.chat.fields import FIELDS as CHAT_FIELDS
from inference.wire.fields import Here, Rule, Table
from inference.wire.messages import checks as messages
from inference.wire.messages.fields import FIELDS as MESSAGES_FIELDS
from inference.wire.responses import checks as responses
from inference.wire.responses.fields import FIELDS as RESPONSES_FIELDS

Json = dict[str, Any]

COMPONENTS: dict[str, Json] = {}
"""The parts that bodies refer to, by their names in the document."""

_MODEL = "A registered model is used as named. Omitted, `asahi` or `asahi/auto`: autopilot."
_FORWARDED = "Fields that are not named here are sent on to the provider unchanged."


def _body(name: str, shape: type[msgspec.Struct], table: Table) -> Json:
    """A reference to the body's description, which is put among the components."""
    _, parts = msgspec.json.schema_components([shape], ref_template=f"#/components/schemas/{name}{{name}}")
    COMPONENTS.update({f"{name}{part}": schema for part, schema in parts.items()})
    whole = COMPONENTS[f"{name}{shape.__name__}"]
    for field, rule in table[""].items():
        if rule.here is not Here.HEADER:
            known = whole["properties"].setdefault(field, {})
            known["description"] = _MODEL if field == "model" else _said_of(rule)
    whole["description"] = _FORWARDED
    return {"$ref": f"#/components/schemas/{name}{shape.__name__}"}


def _said_of(rule: Rule) -> str:
    why = f": {rule.why}" if rule.why and rule.here in (Here.REFUSES, Here.NEEDS_OWN_KEY) else ""
    only = rule.when if rule.here is Here.REFUSES else ()
    values = [f"`{value}`" for value in only if not isinstance(value, type)]
    when = f" when it is {' or '.join(values)}" if values else ""
    return f"Asahi {rule.here.value}{when}{why}."


def content(schema: Json, **examples: Json) -> Json:
    """A required JSON body, with bodies that are accepted as they stand."""
    said = {name: {"summary": name.replace("_", " ").capitalize(), "value": value} for name, value in examples.items()}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "examples": said}}}}


_ASK = [{"role": "user", "content": "What does a gateway do?"}]
_TOOL = {"name": "weather", "description": "The weather in a city."}
_CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

CHAT = content(
    _body("Chat", chat.Request, CHAT_FIELDS),
    autopilot={"messages": _ASK, "max_completion_tokens": 64},
    a_model_by_name={"model": "gpt-6-luna", "messages": _ASK, "max_completion_tokens": 64, "temperature": 0},
    streamed={"model": "asahi", "messages": _ASK, "stream": True, "stream_options": {"include_usage": True}},
    tools={
        "model": "asahi",
        "messages": [{"role": "user", "content": "How is the weather in Nagoya?"}],
        "tools": [{"type": "function", "function": {**_TOOL, "parameters": _CITY}}],
    },
)
MESSAGES = content(
    _body("Messages", messages.Request, MESSAGES_FIELDS),
    autopilot={"messages": _ASK, "max_tokens": 64},
    a_model_by_name={"model": "claude-haiku-5-5", "messages": _ASK, "max_tokens": 64, "system": "Answer briefly."},
    streamed={"model": "asahi", "messages": _ASK, "max_tokens": 64, "stream": True},
    tools={
        "model": "asahi",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "How is the weather in Nagoya?"}],
        "tools": [{**_TOOL, "input_schema": _CITY}],
    },
)
RESPONSES = content(
    _body("Responses", responses.Request, RESPONSES_FIELDS),
    autopilot={"input": "What does a gateway do?", "max_output_tokens": 64},
    a_model_by_name={"model": "gpt-6-luna", "input": _ASK, "instructions": "Answer briefly.", "store": False},
    streamed={"model": "asahi", "input": "What does a gateway do?", "stream": True},
)
_UNCOUNTED = {**COMPONENTS["MessagesRequest"], "required": ["messages"]}
COMPONENTS["MessagesToCount"] = _UNCOUNTED
COUNT_TOKENS = content(
    {"$ref": "#/components/schemas/MessagesToCount"},
    of_a_model={"model": "claude-haiku-5-5", "messages": _ASK},
    estimated={"messages": _ASK},
)
