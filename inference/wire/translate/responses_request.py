"""A responses request as a chat request, for models that do not speak responses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from inference.wire import capabilities
from inference.wire.fields import crossing, telling
from inference.wire.responses.fields import FIELDS
from inference.wire.translate.refusal import Untranslatable, present, refuse, refuse_others, refusing
from inference.wire.translate.responses_conversation import conversation_to_chat
from inference.wire.translate.responses_tools import choice_to_chat, tools_to_chat

_SAYABLE: Final = crossing(FIELDS)
_LOGPROBS: Final = "message.output_text.logprobs"


def responses_to_chat(body: Mapping[str, Any], *, accepted: Collection[str]) -> dict[str, Any] | Untranslatable:
    """The same request for a model with the capabilities `accepted`, or what of it cannot be expressed there."""
    return refusing(lambda: _request(present(body), accepted))


def _request(body: dict[str, Any], accepted: Collection[str]) -> dict[str, Any]:
    refuse_others(telling(FIELDS, body), _SAYABLE)
    if _LOGPROBS in (body.get("include") or ()):
        refuse("include", "log probabilities are not told there")
    text = body.get("text") or {}
    refuse_others(_telling("text", text), {"format"}, "text")
    tools = tools_to_chat(body.get("tools") or [], body.get("tool_choice"))
    request = {
        "model": body.get("model"),
        "messages": conversation_to_chat(body.get("instructions"), body["input"]),
        "max_completion_tokens": body.get("max_output_tokens"),
        "stream": body.get("stream"),
        "tools": tools or None,
        "reasoning_effort": _effort(body.get("reasoning") or {}, accepted),
        "response_format": _response_format(text.get("format")),
        "service_tier": _service_tier(body.get("service_tier")),
        "user": body.get("safety_identifier") or body.get("user"),
        **({"tool_choice": choice_to_chat(body.get("tool_choice"))} if tools else {}),
        **({"parallel_tool_calls": False} if tools and body.get("parallel_tool_calls") is False else {}),
        **{name: body[name] for name in ("temperature", "top_p") if body.get(name, 1) != 1},
    }
    return present(request)


def _telling(shape: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing."""
    rules = FIELDS[shape]
    return {name: value for name, value in fields.items() if name not in rules or value not in rules[name].neutral}


def _effort(reasoning: Mapping[str, Any], accepted: Collection[str]) -> str | None:
    """A summary of the reasoning may be absent at its own provider, too, and is here."""
    known = {"effort", "summary", "generate_summary", "context"}
    refuse_others(_telling("reasoning", reasoning), known, "reasoning")
    effort = reasoning.get("effort")
    if effort is None:
        return None
    if effort == "none" and capabilities.REASONING not in accepted:
        return None
    if capabilities.REASONING not in accepted:
        refuse("reasoning.effort", "it does not reason")
    if effort == "none" and capabilities.REASONING_OFF not in accepted:
        refuse("reasoning.effort", "its reasoning cannot be switched off")
    return str(effort)


def _response_format(wanted: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if wanted is None or wanted["type"] == "text":
        return None
    if wanted["type"] == "json_object":
        return {"type": "json_object"}
    if wanted["type"] != "json_schema":
        refuse("text.format.type", "only text, json_object and json_schema are known there")
    refuse_others(wanted, {"type", "name", "description", "schema", "strict"}, "text.format")
    described = {name: wanted.get(name) for name in ("name", "description", "schema", "strict")}
    return {"type": "json_schema", "json_schema": present(described)}


def _service_tier(tier: str | None) -> str | None:
    if tier not in (None, "auto", "default"):
        refuse("service_tier", f"there is no tier {tier!r}")
    return "default" if tier == "default" else None
