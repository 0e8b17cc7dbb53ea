"""Which model answers a call in explicit and autopilot routing, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inference.domain import Call, RefusalKind, RoutingMode
from inference.routing import Router
from tests.inference.model_files import load_models, model
from tests.inference.routing_calls import (
    A_TOOL,
    AN_IMAGE,
    MATH,
    QA,
    Build,
    a_call,
    planned,
    policy,
    refused,
    router_over,
)


@pytest.mark.parametrize("name", ["cheap", "north/cheap"])
def test_a_named_model_is_used_as_named_without_fallbacks(router: Router, name: str) -> None:
    call = a_call(name, quality_bar=0.99)
    plan = planned(router, call, MATH)
    assert (plan.model.id, plan.fallbacks, plan.task, plan.quality) == ("cheap", (), "math", 0.85)
    assert plan.reason == "explicit: cheap, as named"
    assert router.candidates(call, policy()) == (plan.model,)


def test_a_denied_model_is_refused_and_never_swapped(router: Router) -> None:
    for limits in (policy(denied_models=frozenset({"middle"})), policy(allowed_models=frozenset({"cheap"}))):
        refusal = refused(router, a_call("middle-2026"), limits)
        assert refusal.kind is RefusalKind.FORBIDDEN
        assert "middle" in refusal.message


def test_an_unknown_model_is_named_and_the_nearest_one_suggested(router: Router) -> None:
    refusal = refused(router, a_call("midle"))
    assert refusal.kind is RefusalKind.UNKNOWN_MODEL
    assert refusal.message == "The model 'midle' does not exist. Did you mean 'middle'?"
    assert "x" * 101 not in refused(router, a_call("x" * 5_000)).message


def test_a_retired_model_is_refused_with_its_successor(router: Router) -> None:
    refusal = refused(router, a_call("ancient"))
    assert refusal.kind is RefusalKind.UNKNOWN_MODEL
    assert refusal.message == "The model 'ancient' was retired on 2025-01-01; use 'middle'."
    assert refusal.details["successor"] == "middle"


def test_an_automatic_choice_reaches_another_wire_for_what_can_be_said_there(build: Build) -> None:
    only_other = {"candidates": ("other",)}
    assert planned(build(), a_call("other")).model.id == "other"
    assert planned(build(), a_call(**only_other)).model.id == "other"
    refusal = refused(build(), a_call(fields={"seed": 1}, **only_other))
    assert (refusal.kind, refusal.details) == (RefusalKind.NO_MODEL, {"constraint": "wire"})


def test_a_named_model_of_a_provider_that_is_away_is_refused(build: Build) -> None:
    refusal = refused(build(reach=lambda _: frozenset({"north", "east"})), a_call("middle-south"))
    assert refusal.kind is RefusalKind.NO_MODEL
    assert "South is not available" in refusal.message


def test_a_named_model_that_keeps_failing_is_refused_and_its_provider_is_not(build: Build) -> None:
    router = build(failing=lambda _: frozenset({"middle"}))
    refusal = refused(router, a_call("middle-2026"))
    assert refusal.kind is RefusalKind.NO_MODEL
    assert "it keeps failing" in refusal.message
    assert planned(router, a_call("best")).model.id == "best"


def test_autopilot_leaves_out_models_that_keep_failing_and_says_so_when_none_is_left(build: Build) -> None:
    assert "middle" not in {m.id for m in build(failing=lambda _: frozenset({"middle"})).candidates(a_call(), policy())}
    everything = frozenset({"cheap", "middle", "middle-south", "best", "other"})
    refusal = refused(build(failing=lambda _: everything), a_call())
    assert (refusal.kind, refusal.details) == (RefusalKind.NO_MODEL, {"constraint": "health"})


def test_explicit_routing_without_a_model_is_invalid(router: Router) -> None:
    assert refused(router, a_call(mode=RoutingMode.EXPLICIT)).kind is RefusalKind.INVALID


def test_autopilot_takes_the_cheapest_model_that_is_good_enough_for_the_task(router: Router) -> None:
    assert planned(router, a_call(), QA).model.id == "middle"
    assert planned(router, a_call(), MATH).model.id == "cheap"


def test_the_reason_says_what_was_weighed_in_plain_ascii(router: Router) -> None:
    plan = planned(router, a_call(), MATH)
    assert plan.reason == (
        "autopilot: math task, cheap is the cheapest of 4 with quality 0.85 >= 0.80; next: middle-south, middle"
    )
    assert plan.reason.isascii()
    assert (plan.task, plan.quality, plan.mode) == ("math", 0.85, RoutingMode.AUTOPILOT)


def test_when_nothing_is_good_enough_the_best_is_taken_and_the_reason_says_so(router: Router) -> None:
    plan = planned(router, a_call(quality_bar=0.99))
    assert plan.model.id == "best"
    assert "best is the best there is with quality 0.95, below 0.99" in plan.reason


def test_the_callers_bar_goes_before_the_policys_and_that_before_the_default(router: Router) -> None:
    limits = policy(quality_bar=0.9)
    assert planned(router, a_call()).model.id == "middle"
    assert planned(router, a_call(), limits=limits).model.id == "best"
    assert planned(router, a_call(quality_bar=0.5), limits=limits).model.id == "cheap"


def test_fallbacks_are_good_enough_and_of_another_provider_first(router: Router) -> None:
    assert [m.id for m in planned(router, a_call()).fallbacks] == ["middle-south", "best"]
    assert [m.id for m in planned(router, a_call(quality_bar=0.86)).fallbacks] == ["best"]


def test_the_expected_length_of_the_answer_decides_between_dear_input_and_dear_output(folder: Path) -> None:
    def priced(name: str, input_: int, output: int) -> dict[str, Any]:
        return model(name, prices=[{"starts_on": "2026-01-01", "input": input_, "output": output}])

    registry, prices = load_models(folder, priced("dear-output", 1, 20), priced("dear-input", 3, 3))
    router = router_over((registry, prices), default_quality_bar=0.5)
    assert planned(router, a_call(size=30_000), "Classify this ticket: ...").model.id == "dear-output"
    assert planned(router, a_call(size=3_000), "Write a story about rain.").model.id == "dear-input"
    assert planned(router, a_call(size=3_000, output=1), "Write a story about rain.").model.id == "dear-output"


@pytest.mark.parametrize(
    ("call", "constraint", "words"),
    [
        (a_call(fields={"tools": [A_TOOL]}, content=AN_IMAGE, quality_bar=0.1), None, None),
        (a_call(content=AN_IMAGE, fields={"temperature": 0}), "vision", "0 with vision"),
        (a_call(fields={"modalities": ["text", "audio"]}), "audio_output", "0 with audio_output"),
        (a_call(size=400_000), "context", "0 with room for the prompt and the answer"),
        (a_call(output=9_000), "context", "0 with room"),
        (a_call(latency_budget_ms=100), "latency", "0 answering within 100 ms"),
        (a_call(max_cost_nano=10), "cost", "0 sure to cost at most 0.00000001 USD"),
        (a_call(candidates=("middle-south",), latency_budget_ms=900), "latency", "1 among the candidates named"),
    ],
)
def test_a_refusal_says_which_condition_left_no_model(
    router: Router, call: Call, constraint: str | None, words: str | None
) -> None:
    if constraint is None:
        assert planned(router, call).model.id == "best"
        return
    refusal = refused(router, call)
    assert refusal.kind is (RefusalKind.FORBIDDEN if constraint == "cost" else RefusalKind.NO_MODEL)
    assert refusal.details["constraint"] == constraint
    assert words in refusal.message
    assert "5 registered" in refusal.message


def test_policy_candidates_and_provider_health_narrow_the_choice(build: Build) -> None:
    router = build(reach=lambda _: frozenset({"south"}))
    assert planned(build(), a_call(), limits=policy(denied_models=frozenset({"middle"}))).model.id == "middle-south"
    assert planned(build(), a_call(), limits=policy(allowed_models=frozenset({"best"}))).model.id == "best"
    assert planned(build(), a_call(candidates=("south/middle-south", "best"))).model.id == "middle-south"
    assert planned(router, a_call()).model.id == "middle-south"
    assert refused(router, a_call(candidates=("cheap",))).details["constraint"] == "provider"
    assert refused(build(), a_call(), policy(allowed_models=frozenset({"x"}))).details["constraint"] == "policy"


def test_an_unknown_or_retired_candidate_is_refused_by_name(router: Router) -> None:
    assert refused(router, a_call(candidates=("cheap", "nope"))).details["model"] == "nope"
    assert refused(router, a_call(candidates=("ancient",))).details["successor"] == "middle"


def test_a_cost_cap_leads_to_a_model_that_is_sure_to_stay_below_it(router: Router) -> None:
    # 300 tokens in and 1,000 out at 10 USD per million cost up to 0.013 USD; at 2 USD, 0.0026.
    assert planned(router, a_call(quality_bar=0.9, max_cost_nano=5_000_000)).model.id == "middle-south"
    assert planned(router, a_call(quality_bar=0.9), limits=policy(request_cost_cap_nano=3_000_000)).model.id == "middle"
    assert planned(router, a_call(quality_bar=0.9, max_cost_nano=13_000_000)).model.id == "best"
    twice = a_call(quality_bar=0.9, max_cost_nano=13_000_000, fields={"n": 2})
    assert planned(router, twice).model.id != "best"
