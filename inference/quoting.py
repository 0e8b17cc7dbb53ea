"""The quote: which models may serve a call, what it may cost at most, and what it would have cost without Asahi."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from caching import exact
from governance.domain import Principal
from inference.cacheability import refusal_of_exact
from inference.domain import IDEMPOTENCY_KEY, Call, Model, Order, Refusal, RefusalKind, RoutingMode
from inference.pricing import PriceBook
from inference.registry import Registry
from inference.routing import Router
from inference.wire.chat.request import predicted_tokens
from inference.wire.format import format_of


class Quoting:
    """Fulfils `inference.stages.Quote`."""

    def __init__(
        self, *, registry: Registry, router: Router, prices: PriceBook, default_baseline: Model,
        default_output_tokens: int, simulated: Collection[str],
    ) -> None:  # fmt: skip
        """`default_output_tokens` is what a call that sets no limit is expected to write at most, per answer;
        `simulated` are the providers in whose place a simulator answers."""
        self._registry = registry
        self._router = router
        self._prices = prices
        self._default_baseline = default_baseline
        self._default_output_tokens = default_output_tokens
        self._simulated = f" simulated={sorted(simulated)!r}" if simulated else ""

    def __call__(self, principal: Principal, call: Call, notes: Mapping[str, str]) -> Order | Refusal:
        candidates = self._router.candidates(call, principal.policy, principal.accounts)
        if isinstance(candidates, Refusal):
            return candidates
        wire = format_of(call.wire)
        each = (call.max_output_tokens or self._default_output_tokens) + predicted_tokens(call.body)
        output_tokens = each * wire.answers(call.body)
        worst = [(model, self._prices.worst_case(model, call, output_tokens)) for model in candidates]
        affordable = _within_cap(principal, call, worst)
        if isinstance(affordable, Refusal):
            return affordable
        intent = _intent(principal, call, self._baseline(principal, call, candidates[0])) + self._simulated
        task_text = wire.task_text(call.body)
        uncacheable = refusal_of_exact(principal.policy, call, task_text)
        if call.controls.step_of:
            notes = {**notes, "step": f"a step of {call.controls.step_of}"}
        return Order(
            principal=principal,
            call=call,
            candidates=tuple([model for model, _ in affordable]),
            baseline=self._baseline(principal, call, affordable[0][0]),
            reserve_nano=max([nano for _, nano in affordable]),
            reserve_tokens=call.input_token_bound + output_tokens,
            t1_key=None if uncacheable else _t1_key(principal, call, intent),
            task_text=task_text,
            intent=intent,
            simulated=bool(self._simulated),
            notes={**notes, "t1": uncacheable} if uncacheable else notes,
        )

    def _baseline(self, principal: Principal, call: Call, first: Model) -> Model:
        """What the customer asked for: the model named, or the organization's baseline when the choice was ours."""
        if call.controls.routing_mode is RoutingMode.EXPLICIT:
            return self._registry.find(call.model or "") or first
        return self._registry.find(principal.policy.baseline_model) or self._default_baseline


def _within_cap(
    principal: Principal, call: Call, worst: Sequence[tuple[Model, int]]
) -> Sequence[tuple[Model, int]] | Refusal:
    """The models whose worst case stays within the caller's and the policy's cap for one request."""
    caps = [cap for cap in (call.controls.max_cost_nano, principal.policy.request_cost_cap_nano) if cap is not None]
    if not caps:
        return worst
    cap = min(caps)
    within = [(model, nano) for model, nano in worst if nano <= cap]
    if within:
        return within
    return Refusal(
        RefusalKind.FORBIDDEN,
        f"no permitted model is sure to answer this request within its cost cap of {cap / 10**9:.9f} USD; "
        "set a lower max_tokens, shorten the prompt, or raise the cap",
    )


def _t1_key(principal: Principal, call: Call, intent: str) -> str:
    canonical = format_of(call.wire).canonical(call.body)
    return exact.key_for(principal.org_id, intent=intent, wire=call.wire, canonical=canonical)


def _intent(principal: Principal, call: Call, named: Model) -> str:
    """What decides, beside the content, what is answered: calls that agree in both may share an answer."""
    intent = _model_intent(principal, call, named)
    if principal.policy.cache_epoch:
        intent += f" epoch={principal.policy.cache_epoch}"
    if principal.accounts:  # with another account another model may answer, or no simulator any more
        intent += f" accounts={sorted((a.provider, a.base_url) for a in principal.accounts.values())!r}"
    if call.controls.workflow is not None:  # it decides how much of a document is read
        intent += f" workflow={call.controls.workflow!r}"
    steering = {name: value for name, value in call.headers.items() if name != IDEMPOTENCY_KEY}
    return f"{intent} headers={sorted(steering.items())!r}" if steering else intent


def _model_intent(principal: Principal, call: Call, named: Model) -> str:
    """What decides which model answers."""
    controls = call.controls
    if controls.routing_mode is RoutingMode.EXPLICIT:
        return f"model={named.id}"
    policy = principal.policy
    wishes = (
        controls.routing_mode,
        controls.quality_bar,
        controls.quality_preference,
        controls.latency_budget_ms,
        controls.latency_preference,
        controls.max_cost_nano,
        controls.candidates,
        policy.quality_bar,
        policy.request_cost_cap_nano,
        sorted(policy.allowed_models),
        sorted(policy.denied_models),
    )
    return f"auto={wishes!r}"
