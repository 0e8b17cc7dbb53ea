"""The conditions a model must meet to be asked at all, and the sentence that says which one left none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from inference.domain import Model, Refusal, RefusalKind, Wire
from inference.pricing import PriceBook
from inference.routing.demand import Demand

PATHS = {
    Wire.CHAT: "/v1/chat/completions",
    Wire.MESSAGES: "/v1/messages",
    Wire.RESPONSES: "/v1/responses",
    Wire.EMBEDDINGS: "/v1/embeddings",
}


class Constraints:
    """Narrows the registered models down to those a demand may be given to."""

    def __init__(self, models: Sequence[Model], prices: PriceBook) -> None:
        self._models = tuple(models)
        self._prices = prices

    def meeting(self, demand: Demand) -> tuple[Model, ...] | Refusal:
        """The models that meet every condition, or a refusal that names the one which left none."""
        left = self._models
        trail = [f"{len(left)} registered"]
        for name, label, kept in self._steps(demand, left):
            left = kept
            trail.append(f"{len(kept)} {label}")
            if not kept:
                kind = RefusalKind.FORBIDDEN if name == "cost" else RefusalKind.NO_MODEL
                message = f"No model is left for this call: {', '.join(trail)}."
                return Refusal(kind, message, details={"constraint": name})
        return left

    def _steps(self, demand: Demand, left: tuple[Model, ...]) -> Iterator[tuple[str, str, tuple[Model, ...]]]:
        """Name, wording and survivors of each condition that applies, the caller's own choices first."""
        if demand.among is not None:
            left = tuple(m for m in left if m.id in demand.among)
            yield "reservation", "that money was reserved for", left
        if demand.named:
            left = tuple(m for m in left if m.id in demand.named)
            yield "candidates", "among the candidates named", left
        if demand.allowed or demand.denied:
            left = tuple(m for m in left if _allowed(m, demand))
            yield "policy", "allowed by the organization's policy", left
        left = tuple(m for m in left if m.wire in demand.wires or m.speaks(demand.wire))
        yield "wire", f"reachable through {PATHS[demand.wire]}", left
        left = tuple(m for m in left if m.provider in demand.available)
        yield "provider", "of an available provider", left
        if demand.failing:
            left = tuple(m for m in left if m.id not in demand.failing)
            yield "health", "that do not keep failing", left
        yield from self._abilities(demand, left)

    def _abilities(self, demand: Demand, left: tuple[Model, ...]) -> Iterator[tuple[str, str, tuple[Model, ...]]]:
        for need in sorted(demand.needs):
            left = tuple(m for m in left if need in m.capabilities)
            yield need, f"with {need}", left
        left = tuple(m for m in left if _fits(m, demand))
        yield "context", "with room for the prompt and the answer", left
        if demand.latency_budget_ms is not None:
            left = tuple(m for m in left if m.latency_ms <= demand.latency_budget_ms)
            yield "latency", f"answering within {demand.latency_budget_ms} ms", left
        if demand.cost_cap is not None:
            left = tuple(m for m in left if self._affordable(m, demand))
            yield "cost", f"sure to cost at most {_usd(demand.cost_cap.nano)} USD", left

    def _affordable(self, model: Model, demand: Demand) -> bool:
        cap = demand.cost_cap
        return cap is None or self._prices.bound(model, cap.input_token_bound, cap.output_token_bound) <= cap.nano


def _allowed(model: Model, demand: Demand) -> bool:
    return model.id not in demand.denied and (not demand.allowed or model.id in demand.allowed)


def _fits(model: Model, demand: Demand) -> bool:
    output = demand.max_output_tokens or 0
    return output <= model.max_output_tokens and demand.input_tokens + output <= model.context_tokens


def _usd(nano: int) -> str:
    return f"{Decimal(nano).scaleb(-9).normalize():f}"
