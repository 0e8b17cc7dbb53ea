"""What preferences and the parameters of a call do to the choice of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inference.domain import Call, LatencyPreference, Plan, QualityPreference, RoutingMode, Wire
from inference.routing import Router
from tests.inference.model_files import load_models, model
from tests.inference.routing_calls import (
    A_TOOL,
    QA,
    a_call,
    planned,
    policy,
    refused,
    router_over,
)


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        (QualityPreference.LOW, "cheap"),
        (QualityPreference.MEDIUM, "middle"),
        (QualityPreference.HIGH, "best"),
        (QualityPreference.MAX, "best"),
    ],
)
def test_a_quality_preference_sets_the_bar(router: Router, quality: QualityPreference, expected: str) -> None:
    plan = planned(router, a_call(mode=RoutingMode.GUIDED, quality_preference=quality))
    assert plan.model.id == expected
    assert plan.reason.startswith("guided: qa task, ")


def test_a_figure_goes_before_a_preference(router: Router) -> None:
    call = a_call(mode=RoutingMode.GUIDED, quality_preference=QualityPreference.MAX, quality_bar=0.8)
    assert planned(router, call).model.id == "middle"


@pytest.mark.parametrize(
    ("latency", "expected"),
    [
        (LatencyPreference.SLOW, "best"),
        (LatencyPreference.NORMAL, "middle-south"),
        (LatencyPreference.FAST, "middle"),
        (LatencyPreference.INSTANT, "cheap"),
    ],
)
def test_a_latency_preference_narrows_the_choice(router: Router, latency: LatencyPreference, expected: str) -> None:
    call = a_call(mode=RoutingMode.GUIDED, quality_preference=QualityPreference.MAX, latency_preference=latency)
    assert planned(router, call).model.id == expected


def test_a_latency_preference_never_leaves_nothing_while_a_budget_may(router: Router) -> None:
    only_slow = policy(allowed_models=frozenset({"best", "middle-south"}))
    quick = a_call(mode=RoutingMode.GUIDED, latency_preference=LatencyPreference.INSTANT, quality_bar=0.1)
    assert planned(router, quick, limits=only_slow).model.id == "middle-south"
    assert refused(router, a_call(mode=RoutingMode.GUIDED, latency_budget_ms=1_500), only_slow)


@pytest.mark.parametrize(
    ("fields", "capabilities", "accepted"),
    [
        ({"temperature": 0.2}, [], False),
        ({"temperature": 0.2}, ["sampling"], True),
        ({"temperature": 1, "top_p": 1, "presence_penalty": 0}, [], True),
        ({"reasoning_effort": "low"}, ["sampling"], False),
        ({"reasoning_effort": "low"}, ["reasoning"], True),
        ({"reasoning_effort": "low", "tools": [A_TOOL]}, ["reasoning", "tools"], False),
        ({"reasoning_effort": "low", "tools": [A_TOOL]}, ["reasoning", "tools", "tools_with_effort"], True),
        ({"tools": [A_TOOL]}, ["reasoning_off"], False),
        ({"tools": [A_TOOL], "temperature": 0, "reasoning_effort": "none"}, ["reasoning_off"], True),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, ["json_object"], False),
        ({"response_format": {"type": "json_object"}}, ["json_object"], True),
    ],
)
def test_a_chat_call_goes_only_to_models_that_take_its_parameters(
    folder: Path, fields: dict[str, Any], capabilities: list[str], accepted: bool
) -> None:
    assert is_accepted(folder, a_call(fields=fields), capabilities) is accepted


@pytest.mark.parametrize(
    ("fields", "capabilities", "accepted"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2_000}}, ["reasoning"], False),
        ({"thinking": {"type": "enabled", "budget_tokens": 2_000}}, ["thinking_budget"], True),
        ({"thinking": {"type": "adaptive"}}, ["reasoning"], True),
        ({"top_k": 40}, [], False),
        ({"top_k": 40}, ["sampling"], True),
        ({"temperature": 1.0}, [], True),
    ],
)
def test_a_messages_call_goes_only_to_models_that_take_its_parameters(
    folder: Path, fields: dict[str, Any], capabilities: list[str], accepted: bool
) -> None:
    assert is_accepted(folder, a_call(wire=Wire.MESSAGES, fields=fields), capabilities) is accepted


def is_accepted(folder: Path, call: Call, capabilities: list[str]) -> bool:
    provider = "east" if call.wire is Wire.MESSAGES else "north"
    registry, prices = load_models(folder, model("only", provider, capabilities=capabilities))
    router = router_over((registry, prices), default_quality_bar=0.5)
    return isinstance(router.plan(call, task_text=QA, policy=policy()), Plan)
