"""What single OpenAI models do not support in chat completions. Applied only when model rules are asked for.

These are the providers' rules as of autumn 2026: reasoning models take `max_completion_tokens` only, and no sampling
parameters while they reason; from GPT-5.4 on tools exclude reasoning, and GPT-6.1 Sol always reasons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inference.simulator.openai import wire
from inference.simulator.openai.errors import invalid
from inference.simulator.refusals import Refusal

_GPT = re.compile(r"^gpt-(\d+)(?:\.(\d+))?(?:-|$)")
_O_SERIES = re.compile(r"^o\d")


@dataclass(frozen=True, slots=True)
class Ability:
    """`efforts` is empty for a model that does not reason; `default_effort` is used when none is given."""

    efforts: frozenset[str] = frozenset()
    default_effort: str = "none"
    tools_exclude_reasoning: bool = False
    has_breakpoints: bool = False

    @property
    def reasons(self) -> bool:
        return bool(self.efforts)


_NO_REASONING = Ability()
_ALWAYS_REASONS = "gpt-6.1-sol"
_LEVELS = frozenset({"low", "medium", "high"})


def ability_of(model: str) -> Ability:
    """By the family a model's name puts it in."""
    if _O_SERIES.match(model):
        return Ability(_LEVELS, "medium")
    match = _GPT.match(model)
    version = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    if version < (5, 0):
        return _NO_REASONING
    if version == (5, 0):
        return Ability(_LEVELS | {"minimal"}, "medium")
    if version < (5, 4):
        return Ability(_LEVELS | {"none", "xhigh"}, "none")
    if version < (5, 6):
        return Ability(_LEVELS | {"none", "xhigh"}, "none", tools_exclude_reasoning=True)
    efforts = _LEVELS | {"xhigh", "max"} | (set() if model.startswith(_ALWAYS_REASONS) else {"none"})
    return Ability(efforts, "medium", tools_exclude_reasoning=True, has_breakpoints=True)


def refusal_of(request: wire.ChatRequest, ability: Ability) -> Refusal | None:
    """The first parameter that the model does not take."""
    if ability.reasons and request.max_tokens is not None:
        return invalid(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if request.web_search_options is not None and "search" not in request.model:
        message = "Web search options are not supported with this model."
        return invalid(message, param="web_search_options", code="unsupported_parameter")
    return _effort(request, ability) or _sampling(request, ability)


def _effort(request: wire.ChatRequest, ability: Ability) -> Refusal | None:
    refusal = effort_refusal(request.reasoning_effort, ability, param="reasoning_effort")
    reasons = (request.reasoning_effort or ability.default_effort) != "none"
    if refusal is None and request.tools and reasons and ability.tools_exclude_reasoning:
        message = (
            f"Function tools with reasoning_effort are not supported for {request.model} in /v1/chat/completions. "
            "Use /v1/responses, or set reasoning_effort to 'none'."
        )
        return invalid(message, param="reasoning_effort")
    return refusal


def effort_refusal(effort: str | None, ability: Ability, *, param: str) -> Refusal | None:
    if effort is None or effort in ability.efforts:
        return None
    code = "unsupported_value" if ability.reasons else "unsupported_parameter"
    return invalid(f"'{param}' does not support '{effort}' with this model.", param=param, code=code)


def _sampling(request: wire.ChatRequest, ability: Ability) -> Refusal | None:
    if (request.reasoning_effort or ability.default_effort) == "none":
        return None
    neutral = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
    return sampling_refusal({name: (getattr(request, name), only) for name, only in neutral.items()})


def sampling_refusal(settings: Mapping[str, tuple[float | None, int]]) -> Refusal | None:
    """A model that reasons takes only the neutral value of each sampling parameter."""
    for name, (value, only) in settings.items():
        if value is not None and value != only:
            message = f"Unsupported value: '{name}' does not support {value:g} with this model; only {only} is."
            return invalid(message, param=name, code="unsupported_value")
    return None
