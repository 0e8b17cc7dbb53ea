"""What was decided about a line before it was handed over, as its row keeps it, so that its answer can be billed by the
very same decision whenever it comes, whatever has changed since."""

from __future__ import annotations

from typing import Any

import msgspec

from governance.domain import Principal
from inference.domain import Call, Order, Plan, RoutingMode
from inference.registry import Registry


class KeptPlan(msgspec.Struct, frozen=True):
    """An order and its plan, without the call: that is in the input file."""

    model: str
    baseline: str
    mode: RoutingMode
    reason: str
    task: str
    quality: float | None
    reserve_nano: int
    reserve_tokens: int
    t1_key: str | None
    techniques: tuple[str, ...]
    tokens_saved: int
    notes: dict[str, str]
    own_account: bool = False


def keep(order: Order, plan: Plan, *, own_account: bool) -> dict[str, Any]:
    """`own_account`: it goes to the organization's own account with the provider."""
    kept = KeptPlan(
        model=plan.model.id,
        baseline=order.baseline.id,
        mode=plan.mode,
        reason=plan.reason,
        task=plan.task,
        quality=plan.quality,
        reserve_nano=order.reserve_nano,
        reserve_tokens=order.reserve_tokens,
        t1_key=order.t1_key,
        techniques=order.techniques,
        tokens_saved=order.tokens_saved,
        notes=dict(order.notes),
        own_account=own_account,
    )
    builtins: dict[str, Any] = msgspec.to_builtins(kept)
    return builtins


def went_to_own_account(kept: dict[str, Any]) -> bool:
    return bool(kept.get("own_account"))


def restore(kept: dict[str, Any], principal: Principal, call: Call, registry: Registry) -> tuple[Order, Plan] | None:
    """None when the model is not registered any more."""
    was = msgspec.convert(kept, KeptPlan)
    model, baseline = registry.find(was.model), registry.find(was.baseline)
    if model is None:
        return None
    order = Order(
        principal=principal,
        call=call,
        candidates=(model,),
        baseline=baseline or model,
        reserve_nano=was.reserve_nano,
        reserve_tokens=was.reserve_tokens,
        t1_key=was.t1_key,
        task_text="",
        techniques=was.techniques,
        tokens_saved=was.tokens_saved,
        notes=was.notes,
    )
    return order, Plan(model, was.mode, was.reason, task=was.task, quality=was.quality)
