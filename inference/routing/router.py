"""The router: explicit names a model, autopilot and guided take the cheapest that is good enough."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from governance.domain import NO_ACCOUNTS, Accounts, PolicySnapshot
from inference.domain import Call, Model, Plan, Refusal, RefusalKind, RoutingMode, Wire
from inference.pricing import PriceBook
from inference.routing.choice import Chooser
from inference.routing.constraints import Constraints
from inference.routing.demand import Demand, demand_of
from inference.routing.tasks import TASKS, detect_task

if TYPE_CHECKING:  # the registry checks its file against routing's vocabulary, and so imports this package
    from inference.registry import Registry

_KEPT_DECISIONS = 2048


class Router:
    """Decides which model answers a call. Deterministic: equal calls get equal plans while prices and health stand.

    `reach` says which providers can be called with the accounts of an organization, `failing` which models are being
    left alone because they keep failing there. An automatic choice keeps to models that all of a request can be said to
    (`inference.routing.reach`). A model that is named is reached whatever it speaks: the request is translated, or what
    cannot be is refused by name.
    """

    def __init__(
        self,
        registry: Registry,
        prices: PriceBook,
        *,
        reach: Callable[[Accounts], frozenset[str]],
        default_quality_bar: float,
        default_max_output_tokens: int,
        failing: Callable[[Accounts], frozenset[str]] = lambda _: frozenset(),
    ) -> None:
        self._registry = registry
        self._prices = prices
        self._reach = reach
        self._failing = failing
        self._default_quality_bar = default_quality_bar
        self._default_max_output_tokens = default_max_output_tokens
        chooser = Chooser(Constraints(registry.models, prices), prices)
        self._decide = lru_cache(maxsize=_KEPT_DECISIONS)(chooser.choose)
        self._union = lru_cache(maxsize=_KEPT_DECISIONS)(self._any_task)

    def plan(
        self, call: Call, *, task_text: str, policy: PolicySnapshot, accounts: Accounts = NO_ACCOUNTS,
        among: tuple[Model, ...] | None = None,
    ) -> Plan | Refusal:  # fmt: skip
        """The decision for a call. `among` keeps it to the models whose cost was reserved."""
        task = detect_task(task_text)
        if call.controls.routing_mode is RoutingMode.EXPLICIT:
            return self._named_plan(call, policy, accounts, task=task, among=among)
        demand = self._demand(call, policy, accounts, task=task, among=among)
        return demand if isinstance(demand, Refusal) else self._decide(demand)

    def candidates(
        self, call: Call, policy: PolicySnapshot, accounts: Accounts = NO_ACCOUNTS
    ) -> tuple[Model, ...] | Refusal:
        """Every model that `plan` may choose or fall back to, whatever the task turns out to be."""
        if call.controls.routing_mode is RoutingMode.EXPLICIT:
            return self._named_models(call, policy, accounts)
        if call.wire is Wire.EMBEDDINGS:
            message = "Embeddings need a model to be named: vectors of different models cannot be compared."
            return Refusal(RefusalKind.INVALID, message, details={"param": "model"})
        demand = self._demand(call, policy, accounts)
        return demand if isinstance(demand, Refusal) else self._union(demand)

    def _demand(
        self, call: Call, policy: PolicySnapshot, accounts: Accounts, *, task: str = "",
        among: tuple[Model, ...] | None = None,
    ) -> Demand | Refusal:  # fmt: skip
        for name in call.controls.candidates:
            if self._registry.find(name) is None:
                return self._unknown(name)
        demand = demand_of(
            call,
            policy,
            task=task,
            among=among,
            available=self._reach(accounts),
            failing=self._failing(accounts),
            price_epoch=self._prices.epoch,
            default_bar=self._default_quality_bar,
            default_output_tokens=self._default_max_output_tokens,
        )
        return demand._replace(named=self._ids_of(demand.named)) if demand.named else demand

    def _ids_of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(model.id for name in names if (model := self._registry.find(name)) is not None)

    def _any_task(self, demand: Demand) -> tuple[Model, ...] | Refusal:
        models: dict[str, Model] = {}
        decision: Plan | Refusal
        for task in TASKS:
            decision = self._decide(demand._replace(task=task))
            if isinstance(decision, Plan):
                models.update((model.id, model) for model in (decision.model, *decision.fallbacks))
        if models:
            return tuple(models.values())
        assert isinstance(decision, Refusal)
        return decision

    def _named_plan(
        self, call: Call, policy: PolicySnapshot, accounts: Accounts, *, task: str, among: tuple[Model, ...] | None
    ) -> Plan | Refusal:
        models = self._named_models(call, policy, accounts)
        if isinstance(models, Refusal):
            return models
        first, *others = [model for model in models if among is None or model in among] or models
        named = self._registry.find(call.model or "") or first
        reason = (
            f"explicit: {first.id}, as named" if first is named else f"explicit: {first.id}, the same as {named.id}"
        )
        task = task if first.quality else ""
        return Plan(first, RoutingMode.EXPLICIT, reason, tuple(others), task=task, quality=first.quality_for(task))

    def _named_models(self, call: Call, policy: PolicySnapshot, accounts: Accounts) -> tuple[Model, ...] | Refusal:
        """The model named, and the very same at other providers if it is configured to fall back to them: what can be
        called of these, or why the one named cannot."""
        model = self._named_model(call, policy)
        if isinstance(model, Refusal):
            return model
        problem = self._problem_with(model, accounts)
        if not model.fallbacks:
            return problem or (model,)
        others = [self._registry.find(name) for name in model.fallbacks]
        same = [m for m in others if m is not None and m.is_same_as(model) and policy.allows(m.id)]
        usable = [m for m in same if self._problem_with(m, accounts) is None]
        return (*usable,) if problem is not None and usable else problem or (model, *usable)

    def _named_model(self, call: Call, policy: PolicySnapshot) -> Model | Refusal:
        if not call.model:
            return Refusal(RefusalKind.INVALID, "Explicit routing needs a model to be named.")
        model = self._registry.find(call.model)
        if model is None:
            return self._unknown(call.model)
        if not policy.allows(model.id):
            return _refuse(RefusalKind.FORBIDDEN, f"The organization's policy does not allow {model.id}.", model)
        if (model.wire is Wire.EMBEDDINGS) is not (call.wire is Wire.EMBEDDINGS):
            return _wrong_path(model)
        return model

    def _problem_with(self, model: Model, accounts: Accounts) -> Refusal | None:
        if model.provider not in self._reach(accounts):
            name = self._registry.providers[model.provider].name
            return _refuse(RefusalKind.NO_MODEL, f"{model.id} cannot be called now: {name} is not available.", model)
        if model.id in self._failing(accounts):
            return _refuse(RefusalKind.NO_MODEL, f"{model.id} cannot be called now: it keeps failing.", model)
        return None

    def _unknown(self, name: str) -> Refusal:
        shown = name[:100]
        retirement = self._registry.retired(name)
        if retirement is not None:
            message = f"The model '{shown}' was retired on {retirement.on.isoformat()}; use '{retirement.successor}'."
            return Refusal(
                RefusalKind.UNKNOWN_MODEL, message, details={"model": shown, "successor": retirement.successor}
            )
        close = difflib.get_close_matches(shown, self._registry.known_names(), n=1, cutoff=0.75)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        message = f"The model '{shown}' does not exist.{hint}"
        return Refusal(RefusalKind.UNKNOWN_MODEL, message, details={"model": shown})


def _wrong_path(model: Model) -> Refusal:
    embeds = model.wire is Wire.EMBEDDINGS
    message = (
        f"{model.id} makes embeddings; ask it through /v1/embeddings." if embeds else f"{model.id} makes no embeddings."
    )
    return Refusal(RefusalKind.INVALID, message, details={"model": model.id, "param": "model"})


def _refuse(kind: RefusalKind, message: str, model: Model) -> Refusal:
    return Refusal(kind, message, details={"model": model.id})
