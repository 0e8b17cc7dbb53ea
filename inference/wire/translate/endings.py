"""Why an answer ended and what it used, between the wires."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from inference.wire.usage import ChatUsage, MessagesUsage

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


def usage_to_messages(usage: dict[str, Any] | None) -> dict[str, Any]:
    """OpenAI's usage as Anthropic counts it. That wire always tells a usage: zeros stand for one that was not told."""
    try:
        used = msgspec.convert(usage, ChatUsage).to_usage()
    except msgspec.ValidationError:
        used = None
    if used is None:
        return {"input_tokens": 0, "output_tokens": 0}
    told: dict[str, Any] = {
        "input_tokens": used.input_tokens - used.cached_input_tokens - used.cache_write_tokens,
        "cache_creation_input_tokens": used.cache_write_tokens,
        "cache_read_input_tokens": used.cached_input_tokens,
        "output_tokens": used.output_tokens,
    }
    if used.reasoning_tokens:
        told["output_tokens_details"] = {"thinking_tokens": used.reasoning_tokens}
    return told
