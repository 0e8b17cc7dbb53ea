"""Why an answer ended and what it used, between the wires."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from inference.wire.usage import ChatUsage, MessagesUsage, priced

FINISH_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""Anthropic's stop reasons in OpenAI's words."""

STOP_REASONS: Final = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}
"""OpenAI's finish reasons in Anthropic's words."""


_COUNTS: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


def text(value: Any) -> str:
    """A text from a provider. Raises TypeError for anything else, which must reach nobody as if it were one."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def service_to_chat(usage: Any) -> dict[str, str]:
    """What an answer was served with, where chat says it: of the whole answer, and in its own words."""
    told = usage if isinstance(usage, dict) else {}
    service = "fast" if told.get("speed") == "fast" else told.get("service_tier")
    return _service(service, standard="default")


def service_to_messages(service: Any) -> dict[str, str]:
    """What an answer was served with, where messages say it: in the usage."""
    return _service(service, standard="standard")


def _service(service: Any, *, standard: str) -> dict[str, str]:
    """A name that neither wire knows stays out: whoever reads the answer could not know it either."""
    if service in ("default", "standard"):
        return {"service_tier": standard}
    return {"service_tier": service} if priced(service) else {}


def usage_to_chat(usage: dict[str, Any] | None) -> dict[str, Any] | None:
    """Anthropic's usage as OpenAI counts it; None when it cannot be true."""
    try:
        used = msgspec.convert(usage, MessagesUsage).to_usage()
    except msgspec.ValidationError:
        return None
    if used is None:
        return None
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": used.cached_input_tokens,
            "cache_write_tokens": used.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }


def usage_to_messages(usage: dict[str, Any] | None, service: Any = None) -> dict[str, Any]:
    """OpenAI's usage as Anthropic counts it. That wire always tells a usage: zeros stand for one that was not told."""
    return {**_counts_to_messages(usage), **service_to_messages(service)}


def _counts_to_messages(usage: dict[str, Any] | None) -> dict[str, Any]:
    try:
        used = msgspec.convert(usage, ChatUsage).to_usage()
    except msgspec.ValidationError:
        used = None
    if used is None:
        return dict.fromkeys(_COUNTS, 0)
    told: dict[str, Any] = {
        "input_tokens": used.input_tokens - used.cached_input_tokens - used.cache_write_tokens,
        "cache_creation_input_tokens": used.cache_write_tokens,
        "cache_read_input_tokens": used.cached_input_tokens,
        "output_tokens": used.output_tokens,
    }
    if used.reasoning_tokens:
        told["output_tokens_details"] = {"thinking_tokens": used.reasoning_tokens}
    return told
