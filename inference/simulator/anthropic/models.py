"""What single Claude models do not support, and how long a prefix must be before they cache it.

These are the provider's rules as of autumn 2026. The refusals are applied only when model rules are asked for.
"""

from __future__ import annotations

import re

from inference.simulator.anthropic import wire
from inference.simulator.anthropic.errors import invalid
from inference.simulator.refusals import Refusal

_NAME = re.compile(r"^claude-([a-z]+)-(\d)(?:-(\d))?(?:-|$)")
_SMALLEST_PREFIXES = {
    ("opus", 4, 5): 4096,
    ("opus", 4, 6): 4096,
    ("haiku", 4, 5): 4096,
    ("opus", 4, 7): 2048,
    ("opus", 4, 8): 1024,
    ("sonnet", 5, 0): 1024,
}
_ALWAYS_THINKING = {("opus", 5, 5), ("fable", 5, 1), ("fable", 5, 2), ("sonnet", 5, 5)}

Family = tuple[str, int, int]


def family_of(model: str) -> Family:
    match = _NAME.match(model)
    return (match[1], int(match[2]), int(match[3] or 0)) if match else ("", 0, 0)


def smallest_prefix(model: str) -> int:
    """Tokens below which a marked prefix is not cached, and no error says so."""
    family = family_of(model)
    return _SMALLEST_PREFIXES.get(family, 512 if family[1:] >= (5, 0) else 1024)


def most_output_tokens(model: str) -> int:
    return 128_000 if family_of(model)[1:] >= (4, 6) else 64_000


def refusal_of(request: wire.MessagesRequest) -> Refusal | None:
    """The first thing asked that the model does not take."""
    family = family_of(request.model)
    return _sampling(request, family) or _thinking(request, family) or _turns(request, family)


def _sampling(request: wire.MessagesRequest, family: Family) -> Refusal | None:
    if family[1:] < (4, 7):
        if request.temperature is not None and request.top_p is not None and family[1:] >= (4, 1):
            return invalid("`temperature` and `top_p` cannot both be specified for this model.")
        return None
    if request.temperature not in (None, 1) or request.top_k is not None or request.top_p not in (None, 1):
        name = "top_k" if request.top_k is not None else "top_p" if request.top_p not in (None, 1) else "temperature"
        return invalid(f"`{name}` is deprecated for this model.")
    return None


def _thinking(request: wire.MessagesRequest, family: Family) -> Refusal | None:
    if isinstance(request.thinking, wire.EnabledThinking) and family[1:] >= (4, 7):
        return invalid("thinking.type 'enabled' is not supported on this model. Use 'adaptive'.")
    if isinstance(request.thinking, wire.DisabledThinking) and family in _ALWAYS_THINKING:
        return invalid("thinking.type 'disabled' is not supported on this model.")
    forced = isinstance(request.tool_choice, wire.AnyChoice | wire.ToolChoice)
    if forced and family == ("sonnet", 5, 5):
        return invalid("tool_choice: forced tool use is not supported on this model.")
    return None


def _turns(request: wire.MessagesRequest, family: Family) -> Refusal | None:
    if isinstance(request.messages[-1], wire.AssistantMessage) and family[1:] >= (4, 6):
        return invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    if family[1:] < (4, 8) and any(isinstance(message, wire.SystemMessage) for message in request.messages):
        return invalid("messages: role 'system' is not supported on this model")
    return None
