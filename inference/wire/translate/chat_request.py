"""A chat request as a messages request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from inference.wire import capabilities
from inference.wire.chat.fields import FIELDS
from inference.wire.chat.request import max_output_tokens
from inference.wire.fields import crossing, telling
from inference.wire.translate.caching import drop_early_marks
from inference.wire.translate.chat_conversation import conversation_to_messages
from inference.wire.translate.refusal import Untranslatable, present, refuse, refuse_others, refusing
from inference.wire.translate.tools import choice_to_messages, offered_tools, tools_to_messages

_ONLY_SCHEMAS: Final = "only a JSON schema can be asked for there"
_NO_JSON_MODE: Final = (
    "without a schema its provider promises no JSON; give one, with the type json_schema, or leave the choice of the "
    "model to Asahi, which keeps to models that have a JSON mode"
)
_CROSSING: Final = crossing(FIELDS)


def to_messages(
    body: Mapping[str, Any], *, accepted: Collection[str], default_max_tokens: int
) -> dict[str, Any] | Untranslatable:
    """The same request for a model with the capabilities `accepted`, or what of it cannot be expressed there.

    The wire requires an output limit: `default_max_tokens` where the request has none.
    """
    return refusing(lambda: _request(present(body), accepted, default_max_tokens))


def _request(body: dict[str, Any], accepted: Collection[str], default_max_tokens: int) -> dict[str, Any]:
    refuse_others(telling(FIELDS, body), _CROSSING)
    system, messages = conversation_to_messages(body["messages"], accepted)
    offered = offered_tools(body)
    tools = tools_to_messages(offered) if offered else None
    drop_early_marks(tools, system, *(turn["content"] for turn in messages))
    choice = choice_to_messages(body)
    request = {
        "model": body.get("model"),
        "max_tokens": max_output_tokens(body) or default_max_tokens,
        "system": system,
        "messages": messages,
        "stream": body.get("stream"),
        "stop_sequences": _stop_sequences(body.get("stop")),
        "tools": tools,
        "tool_choice": choice,
        "service_tier": _service_tier(body),
        "metadata": _metadata(body),
        **_sampling(body, accepted),
        **_effort(body, accepted, forced=choice is not None and choice["type"] in ("any", "tool")),
    }
    if output_format := _output_format(body):
        request["output_config"] = {**request.get("output_config", {}), "format": output_format}
    return present(request)


def _stop_sequences(stop: str | list[str] | None) -> list[str] | None:
    return [stop] if isinstance(stop, str) else stop or None


def _sampling(body: Mapping[str, Any], accepted: Collection[str]) -> dict[str, Any]:
    chosen = {name: body[name] for name in ("temperature", "top_p") if body.get(name, 1) != 1}
    for name, value in chosen.items():
        if capabilities.SAMPLING not in accepted:
            refuse(name, "it takes no sampling parameters")
        if value > 1:
            refuse(name, "it is at most 1 there")
    return chosen


def _effort(body: Mapping[str, Any], accepted: Collection[str], *, forced: bool) -> dict[str, Any]:
    """Thinking text has no place in a chat answer, so it is not asked for. A forced tool call excludes thinking."""
    effort = body.get("reasoning_effort")
    if effort is None:
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if capabilities.REASONING not in accepted or effort not in ("low", "medium", "high", "xhigh", "max"):
        refuse("reasoning_effort", f"it knows no reasoning effort {effort!r}")
    thinking = {} if forced else {"thinking": {"type": "adaptive", "display": "omitted"}}
    return {**thinking, "output_config": {"effort": effort}}


def _output_format(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema of the answer; its name becomes the schema's title, its description the schema's."""
    wanted = body.get("response_format") or {"type": "text"}
    if wanted["type"] == "text":
        return None
    if wanted["type"] != "json_schema":
        refuse("response_format.type", _NO_JSON_MODE if wanted["type"] == "json_object" else _ONLY_SCHEMAS)
    refuse_others(wanted, {"type", "json_schema"}, "response_format")
    described = wanted.get("json_schema") or {}
    if "schema" not in described:
        refuse("response_format.json_schema.schema", "the schema itself is missing")
    refuse_others(described, {"name", "description", "schema", "strict"}, "response_format.json_schema")
    heading = present({"title": described.get("name"), "description": described.get("description")})
    return {"type": "json_schema", "schema": {**heading, **described["schema"]}}


def _service_tier(body: Mapping[str, Any]) -> str | None:
    tier = body.get("service_tier")
    if tier not in (None, "auto", "default"):
        refuse("service_tier", f"there is no tier {tier!r}")
    return "standard_only" if tier == "default" else None


def _metadata(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Who is asking, for the provider's abuse detection. `safety_identifier` is what replaces `user`."""
    user = body.get("safety_identifier") or body.get("user")
    return {"user_id": user} if user else None
