"""What admission relies on: nothing is planned that no money was reserved for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.domain import LatencyPreference, Plan, Refusal
from inference.pricing import PriceBook
from inference.registry import Registry
from inference.routing import TASKS, Router
from tests.inference.model_files import PROVIDERS, Clock, model, write_models
from tests.inference.routing_calls import (
    MATH,
    QA,
    Build,
    a_call,
    planned,
    policy,
    router_over,
)

TEXT_OF_TASK = {
    "code": "Refactor this",
    "math": MATH,
    "reasoning": "compare and contrast a and b",
    "extraction": "extract the dates",
    "classification": "classify this",
    "summarization": "summarize this",
    "translation": "translate this",
    "creative": "craft a line",
    "qa": QA,
    "chat": "thanks",
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bar=st.one_of(st.none(), st.floats(0, 1)),
    size=st.integers(1, 400_000),
    output=st.one_of(st.none(), st.integers(1, 9_000)),
    cap=st.one_of(st.none(), st.integers(1, 10**9)),
    latency=st.sampled_from(list(LatencyPreference)),
    away=st.sets(st.sampled_from(["north", "south", "east"])),
    task=st.sampled_from(TASKS),
)
def test_whatever_is_planned_was_among_the_candidates_and_within_the_cap(
    build: Build,
    bar: float | None,
    size: int,
    output: int | None,
    cap: int | None,
    latency: LatencyPreference,
    away: set[str],
    task: str,
) -> None:
    router = build(reach=lambda _: frozenset(PROVIDERS) - away)
    call = a_call(size=size, output=output, quality_bar=bar, max_cost_nano=cap, latency_preference=latency)
    candidates = router.candidates(call, policy())
    plan = router.plan(call, task_text=TEXT_OF_TASK[task], policy=policy())
    if isinstance(plan, Refusal):
        assert isinstance(candidates, Refusal)
        return
    assert plan.task == task
    assert not isinstance(candidates, Refusal)
    assert {m.id for m in (plan.model, *plan.fallbacks)} <= {m.id for m in candidates}
    if cap is not None:
        assert all(router._prices.bound(m, size, output or 1_000) <= cap for m in candidates)


def test_a_plan_keeps_to_the_models_that_money_was_reserved_for(router: Router) -> None:
    call = a_call()
    candidates = tuple(m for m in router.candidates(call, policy()) if m.id == "middle-south")
    plan = router.plan(call, task_text=QA, policy=policy(), among=candidates)
    assert isinstance(plan, Plan)
    assert (plan.model.id, plan.fallbacks) == ("middle-south", ())


def test_a_provider_that_fails_between_two_calls_changes_the_next_plan(build: Build) -> None:
    away: set[str] = set()
    router = build(reach=lambda _: frozenset(PROVIDERS) - away)
    assert planned(router, a_call()).model.id == "middle"
    away.add("north")
    assert planned(router, a_call()).model.id == "middle-south"
    away.clear()
    assert planned(router, a_call()).model.id == "middle"


def test_a_price_change_changes_the_next_plan(folder: Path) -> None:
    rising = [
        {"starts_on": "2026-01-01", "input": 1, "output": 1},
        {"starts_on": "2026-12-01", "input": 9, "output": 9},
    ]
    file = write_models(folder, model("rising", prices=rising), model("steady", price=2))
    clock = Clock(2026, 11, 30, 23)
    prices = PriceBook.load(file, clock=clock)
    router = router_over((Registry.load(file, prices), prices), default_quality_bar=0.5)
    assert planned(router, a_call()).model.id == "rising"
    clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert planned(router, a_call()).model.id == "steady"


def test_equal_calls_get_equal_plans_from_different_processes(build: Build) -> None:
    assert planned(build(), a_call()) == planned(build(), a_call())
