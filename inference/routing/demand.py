"""What one call asks of routing, reduced to what the decision depends on, so that equal demands share a decision."""

from __future__ import annotations

from typing import NamedTuple

from governance.domain import PolicySnapshot
from inference.domain import Call, Controls, LatencyPreference, Model, RoutingMode, Wire
from inference.routing.needs import needs_of
from inference.routing.preferences import LATENCY_LIMITS_MS, QUALITY_BARS
from inference.routing.reach import EVERY_WIRE, reachable_wires
from inference.tokens import estimate_tokens
from inference.wire.chat.request import predicted_tokens
from inference.wire.format import format_of

_FINE_ABOVE = 16_384
"""No model changes its price, and none runs out of context, below it: shorter prompts may be rounded coarsely."""


class Demand(NamedTuple):
    """The inputs of a decision. Hashable and small: it is the key under which decisions are kept."""

    mode: RoutingMode
    task: str
    wire: Wire
    wires: frozenset[Wire]
    needs: frozenset[str]
    bar: float
    input_tokens: int
    max_output_tokens: int | None
    latency_budget_ms: int | None
    latency_preference: LatencyPreference | None
    cost_cap: CostCap | None
    named: tuple[str, ...]
    among: tuple[str, ...] | None
    allowed: frozenset[str]
    denied: frozenset[str]
    available: frozenset[str]
    failing: frozenset[str]
    price_epoch: int


class CostCap(NamedTuple):
    """The most one call may cost, and the upper bounds it is judged by. Only capped calls carry it."""

    nano: int
    input_token_bound: int
    output_token_bound: int


def demand_of(
    call: Call,
    policy: PolicySnapshot,
    *,
    task: str,
    among: tuple[Model, ...] | None,
    available: frozenset[str],
    failing: frozenset[str],
    price_epoch: int,
    default_bar: float,
    default_output_tokens: int,
) -> Demand:
    controls = call.controls
    return Demand(
        mode=controls.routing_mode,
        task=task,
        wire=call.wire,
        wires=reachable_wires(call) if among is None else EVERY_WIRE,  # money was reserved for those it can reach
        needs=needs_of(call),
        bar=_bar(controls, policy, default_bar),
        input_tokens=_rounded(estimate_tokens(call.input_token_bound)),
        max_output_tokens=call.max_output_tokens,
        latency_budget_ms=controls.latency_budget_ms,
        latency_preference=controls.latency_preference,
        cost_cap=_cost_cap(call, policy, default_output_tokens),
        named=controls.candidates,
        among=None if among is None else tuple(model.id for model in among),
        allowed=policy.allowed_models,
        denied=policy.denied_models,
        available=available,
        failing=failing,
        price_epoch=price_epoch,
    )


def latency_limit(demand: Demand) -> int | None:
    """The limit a preference stands for. A budget in milliseconds is a condition, and counts by itself."""
    return None if demand.latency_preference is None else LATENCY_LIMITS_MS[demand.latency_preference]


def _bar(controls: Controls, policy: PolicySnapshot, default: float) -> float:
    """The caller's own figure, then its preference, then the organization's bar, then the deployment's."""
    if controls.quality_bar is not None:
        return controls.quality_bar
    if controls.quality_preference is not None:
        return QUALITY_BARS[controls.quality_preference]
    return default if policy.quality_bar is None else policy.quality_bar


def _cost_cap(call: Call, policy: PolicySnapshot, default_output_tokens: int) -> CostCap | None:
    caps = [cap for cap in (policy.request_cost_cap_nano, call.controls.max_cost_nano) if cap is not None]
    if not caps:
        return None
    output = default_output_tokens if call.max_output_tokens is None else call.max_output_tokens
    each = output + predicted_tokens(call.body)
    return CostCap(min(caps), call.input_token_bound, each * format_of(call.wire).answers(call.body))


def _rounded(tokens: int) -> int:
    """A little more than there are, so that similar calls are the same to us: two significant bits, five of many."""
    bits = 2 if tokens <= _FINE_ABOVE else 5
    step = 1 << max(tokens.bit_length() - bits, 0)
    return max(-(-tokens // step) * step, 1)
