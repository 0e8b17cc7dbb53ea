"""A messages request as a chat request."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from inference.wire import capabilities
from inference.wire.fields import crossing, telling
from inference.wire.messages.fields import FIELDS
from inference.wire.translate.messages_conversation import conversation_to_chat
from inference.wire.translate.refusal import Untranslatable, present, refuse, refuse_others, refusing
from inference.wire.translate.tools import choice_to_chat, tools_to_chat

_CROSSING: Final = crossing(FIELDS)

_ADAPTIVE: Final = "medium"
"""The effort of thinking as much as it takes: some models do not reason at all unless an effort is named."""

_MOST_STOPS: Final = 4
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNNAMED: Final = "answer"


def to_chat(
    body: Mapping[str, Any], *, accepted: Collection[str], limit_field: str = "max_completion_tokens"
) -> dict[str, Any] | Untranslatable:
    """The same request for a model with the capabilities `accepted`, or what of it cannot be expressed there.

    `limit_field` is what the provider calls the output limit: OpenAI's current name, or the older `max_tokens`.
    """
    return refusing(lambda: _request(present(body), accepted, limit_field))


def _request(body: dict[str, Any], accepted: Collection[str], limit_field: str) -> dict[str, Any]:
    refuse_others(telling(FIELDS, body), _CROSSING)
    if not body["max_tokens"]:
        refuse("max_tokens", "a request for no answer at all only fills Anthropic's cache")
    output = body.get("output_config") or {}
    refuse_others(output, {"effort", "format"}, "output_config")
    request = {
        "model": body.get("model"),
        "messages": conversation_to_chat(body.get("system"), body["messages"]),
        limit_field: body["max_tokens"],
        "stream": body.get("stream"),
        "stop": _stop(body.get("stop_sequences")),
        "tools": tools_to_chat(body["tools"]) if body.get("tools") else None,
        "reasoning_effort": _effort(body.get("thinking"), output.get("effort"), accepted),
        "response_format": _response_format(output.get("format")),
        "service_tier": _service_tier(body.get("service_tier")),
        "user": _user(body.get("metadata")),
        **choice_to_chat(body.get("tool_choice") if body.get("tools") else None),
        **{name: body[name] for name in ("temperature", "top_p") if body.get(name, 1) != 1},
    }
    return present(request)


def _stop(sequences: list[str] | None) -> list[str] | None:
    if sequences and len(sequences) > _MOST_STOPS:
        refuse("stop_sequences", f"it takes at most {_MOST_STOPS}")
    return sequences or None


def _effort(thinking: Mapping[str, Any] | None, effort: str | None, accepted: Collection[str]) -> str | None:
    """How much to reason. A budget in tokens has no equivalent; how thinking is displayed concerns no other model."""
    if thinking is not None:
        if thinking["type"] not in ("adaptive", "disabled"):
            refuse("thinking.type", "it decides by itself when and how much to reason")
        refuse_others(thinking, {"type", "display"}, "thinking")
        if thinking["type"] == "disabled":
            return _without_reasoning(effort, accepted)
    if (thinking is not None or effort is not None) and capabilities.REASONING not in accepted:
        refuse("thinking" if thinking is not None else "output_config.effort", "it does not reason")
    return effort or (_ADAPTIVE if thinking is not None else None)


def _without_reasoning(effort: str | None, accepted: Collection[str]) -> str | None:
    if effort is not None:
        refuse("output_config.effort", "there is one measure of effort, and thinking is disabled")
    if capabilities.REASONING_OFF in accepted:
        return "none"
    if capabilities.REASONING in accepted:
        refuse("thinking.type", "its reasoning cannot be switched off")
    return None


def _response_format(wanted: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Chat gives a schema a name; it has one when its title is one."""
    if wanted is None:
        return None
    if wanted.get("type") != "json_schema" or not isinstance(wanted.get("schema"), dict):
        refuse("output_config.format", "only a JSON schema is accepted")
    refuse_others(wanted, {"type", "schema"}, "output_config.format")
    title = str(wanted["schema"].get("title"))
    named = {"name": title if "title" in wanted["schema"] and _NAME.fullmatch(title) else _UNNAMED}
    return {"type": "json_schema", "json_schema": {**named, "schema": wanted["schema"], "strict": True}}


def _service_tier(tier: str | None) -> str | None:
    if tier not in (None, "auto", "standard_only"):
        refuse("service_tier", f"there is no tier {tier!r}")
    return "default" if tier == "standard_only" else None


def _user(metadata: Mapping[str, Any] | None) -> str | None:
    refuse_others(metadata or {}, {"user_id"}, "metadata")
    return (metadata or {}).get("user_id")
