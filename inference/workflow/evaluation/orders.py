"""Requests about meetings as the pipeline has them when T3 looks at them."""

from __future__ import annotations

from typing import Any

from governance.domain import PolicySnapshot, Principal, Scope
from inference.domain import Call, Controls, Model, Order, RoutingMode, Wire

MAX_TOKENS = 500
_POLICY_FIELDS = dict.fromkeys(PolicySnapshot.__dataclass_fields__)
_OPEN: dict[str, Any] = {
    "version": 1,
    "allowed_models": frozenset(),
    "denied_models": frozenset(),
    "baseline_model": "",
    "cache_enabled": True,
    "semantic_cache_enabled": True,
    "cache_epoch": 0,
}


def order_about(document: str, question: str, model: Model, *, org_id: str, named: bool = True) -> Order:
    """Document and question in one message, as most callers send them."""
    prompt = f"{document}\n\nQuestion: {question}"
    body = {"model": model.id, "max_tokens": MAX_TOKENS, "messages": [{"role": "user", "content": prompt}]}
    bound = len(prompt.encode("utf-8", "replace")) + 200
    controls = Controls(RoutingMode.EXPLICIT, document_id="meeting" if named else "")
    call = Call("evaluation", Wire.MESSAGES, body, model.id, False, False, MAX_TOKENS, bound, controls, 0.0)
    policy = PolicySnapshot(**{**_POLICY_FIELDS, **_OPEN})
    principal = Principal(org_id, "evaluation", frozenset({Scope.INFER}), policy, None)
    return Order(
        principal, call, (model,), model, 0, bound + MAX_TOKENS, f"{org_id} {question}", question,
        intent=f"model={model.id}",
    )  # fmt: skip
