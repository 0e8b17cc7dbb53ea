"""What a model must accept to be asked a call: the wire's own needs, and the parameters that newer models refuse.

Reasoning models take no `temperature`, and some of them call functions through chat completions only while reasoning
is off: a request that one model answers is a 400 at the next. A call that leaves the choice to us must not meet that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.domain import Call, Wire
from inference.wire import capabilities as wire_needs
from inference.wire.format import format_of

TOOLS_WITH_EFFORT = "tools_with_effort"  # functions together with a reasoning_effort
THINKING_BUDGET = "thinking_budget"  # thinking of type "enabled" with budget_tokens

CAPABILITIES = frozenset(
    {
        *(value for name, value in vars(wire_needs).items() if name.isupper()),
        TOOLS_WITH_EFFORT,
        THINKING_BUDGET,
    }
)
"""Every capability a model may be registered with."""

_NEUTRAL: Mapping[str, int] = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}


def needs_of(call: Call) -> frozenset[str]:
    """The capabilities without which a model would reject or misread the call."""
    found = format_of(call.wire).needs(call.body)
    match call.wire:
        case Wire.CHAT:
            return _chat_needs(call.body, found)
        case Wire.RESPONSES:
            return _responses_needs(call.body, found)
        case _:
            return _messages_needs(call.body, found)


def _chat_needs(body: Mapping[str, Any], found: frozenset[str]) -> frozenset[str]:
    effort = body.get("reasoning_effort")
    if effort == "none":
        return (found - {wire_needs.TOOLS}) | {wire_needs.REASONING_OFF}
    if effort is not None and wire_needs.TOOLS in found:
        found |= {TOOLS_WITH_EFFORT}
    return found | {wire_needs.SAMPLING} if _samples(body) else found


def _responses_needs(body: Mapping[str, Any], found: frozenset[str]) -> frozenset[str]:
    """On this wire every model that reasons calls functions while it does."""
    if (body.get("reasoning") or {}).get("effort") == "none":
        return (found - {wire_needs.TOOLS}) | {wire_needs.REASONING_OFF}
    return found | {wire_needs.SAMPLING} if _samples(body) else found


def _messages_needs(body: Mapping[str, Any], found: frozenset[str]) -> frozenset[str]:
    if (body.get("thinking") or {}).get("type") == "enabled":
        found = (found - {wire_needs.REASONING}) | {THINKING_BUDGET}
    return found | {wire_needs.SAMPLING} if _samples(body) or body.get("top_k") is not None else found


def _samples(body: Mapping[str, Any]) -> bool:
    """A parameter at its default changes nothing and is accepted everywhere."""
    return any(body.get(name, neutral) not in (None, neutral) for name, neutral in _NEUTRAL.items())
