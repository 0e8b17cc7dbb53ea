"""Which models stand in for which: by the models file, and never another for one that was named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inference.domain import Plan, Wire
from inference.registry import RegistryError
from inference.routing import Router
from tests.inference.model_files import load_models, model
from tests.inference.routing_calls import a_call, planned, policy, refused, router_over

CHAIN = {"fallbacks": ["twin", "other", "second-twin"]}


def build(folder: Path, first: dict[str, Any] | None = None, **options: Any) -> Router:
    models = load_models(
        folder,
        model("one", price=1, **(CHAIN if first is None else first)),
        model("cheap-other", "south", price=2),
        model("other", "south", price=3),
        model("twin", "south", price=4, same_as="one"),
        model("second-twin", "east", price=5, same_as="one"),
    )
    return router_over(models, **options)


def names(plan: Plan) -> list[str]:
    return [found.id for found in (plan.model, *plan.fallbacks)]


def test_a_named_model_falls_back_to_the_same_model_alone(tmp_path: Path) -> None:
    router = build(tmp_path)
    plan = planned(router, a_call("one"))
    assert names(plan) == ["one", "twin", "second-twin"]
    assert plan.reason == "explicit: one, as named"
    assert router.candidates(a_call("one"), policy()) == (plan.model, *plan.fallbacks)


def test_a_named_model_without_a_chain_is_never_swapped(tmp_path: Path) -> None:
    assert names(planned(build(tmp_path, first={}), a_call("one"))) == ["one"]
    assert names(planned(build(tmp_path), a_call("twin"))) == ["twin"]


def test_when_the_named_model_cannot_be_called_its_double_is_and_says_so(tmp_path: Path) -> None:
    away = build(tmp_path, reach=lambda _: frozenset({"south", "east"}))
    failing = build(tmp_path, failing=lambda _: frozenset({"one"}))
    for router in (away, failing):
        plan = planned(router, a_call("one"))
        assert names(plan) == ["twin", "second-twin"]
        assert plan.reason == "explicit: twin, the same as one"


def test_when_no_double_can_be_called_either_the_named_one_is_refused(tmp_path: Path) -> None:
    router = build(tmp_path, reach=lambda _: frozenset())
    assert refused(router, a_call("one")).message == "one cannot be called now: North is not available."


def test_a_double_that_the_policy_forbids_does_not_stand_in(tmp_path: Path) -> None:
    limits = policy(denied_models=frozenset({"twin"}))
    assert names(planned(build(tmp_path), a_call("one"), limits=limits)) == ["one", "second-twin"]


def test_a_plan_for_a_named_model_keeps_to_what_was_reserved(tmp_path: Path) -> None:
    router = build(tmp_path)
    everything = router.candidates(a_call("one"), policy())
    assert isinstance(everything, tuple)
    plan = router.plan(a_call("one"), task_text="", policy=policy(), among=everything[:2])
    assert isinstance(plan, Plan)
    assert names(plan) == ["one", "twin"]


def test_autopilot_follows_the_chain_as_far_as_the_call_may_go(tmp_path: Path) -> None:
    router = build(tmp_path)
    unsayable = a_call(fields={"seed": 1})  # second-twin speaks another wire, which has no seed
    assert names(planned(router, unsayable)) == ["one", "twin", "other"]
    assert names(planned(router, a_call())) == ["one", "twin", "other", "second-twin"]
    candidates = router.candidates(a_call(), policy())
    assert isinstance(candidates, tuple)
    assert {"one", "twin", "other"} <= {found.id for found in candidates}


def test_autopilot_without_a_chain_takes_the_next_best(tmp_path: Path) -> None:
    assert names(planned(build(tmp_path, first={}), a_call())) == ["one", "cheap-other", "second-twin"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"fallbacks": ["nobody"]}, "its fallback 'nobody' is not another registered model"),
        ({"fallbacks": ["one"]}, "its fallback 'one' is not another registered model"),
        ({"same_as": "nobody"}, "same_as 'nobody' is not another registered model"),
        ({"same_as": "one"}, "same_as 'one' is not another registered model"),
        ({"same_as": "twin"}, "same_as 'twin' is not another registered model, or is itself the same as one"),
    ],
)
def test_a_chain_that_leads_nowhere_stops_the_start(tmp_path: Path, fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(RegistryError, match=problem):
        build(tmp_path, first=fields)


def test_vectors_come_from_the_same_model_alone(tmp_path: Path) -> None:
    def embedding(name: str, **fields: Any) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "wire": Wire.EMBEDDINGS.value,
            "quality": {},
            "max_output_tokens": 0,
            "capabilities": [],
        }
        return model(name, **shape, **fields)

    with pytest.raises(RegistryError, match="makes other vectors"):
        load_models(tmp_path, embedding("vectors", fallbacks=["others"]), embedding("others"))
    load_models(tmp_path, embedding("vectors", fallbacks=["twins"]), embedding("twins", same_as="vectors"))


def test_a_fallback_that_has_retired_is_left_out(tmp_path: Path) -> None:
    registry, _ = load_models(
        tmp_path,
        model("one", fallbacks=["gone", "two"]),
        model("two", "south"),
        model("gone", retires_on="2026-01-01", successor="two"),
    )
    found = registry.find("one")
    assert found is not None
    assert found.fallbacks == ("two",)
