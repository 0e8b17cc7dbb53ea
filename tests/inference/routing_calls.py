"""Calls, policies and a router over five small models, for the tests of routing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from governance.domain import PolicySnapshot
from inference.domain import Call, Controls, Plan, Refusal, RoutingMode, Wire
from inference.pricing import PriceBook
from inference.registry import Registry
from inference.routing import Router
from tests.inference.model_files import PROVIDERS, load_models, model

QA, MATH = "Who painted it?", "Tom has 3 apples and buys 4 more. How many apples has he in total?"
A_TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {}}}
AN_IMAGE = [{"type": "image_url", "image_url": {"url": "https://example.test/cat.png"}}]


def five_models(folder: Path) -> tuple[Registry, PriceBook]:
    return load_models(
        folder,
        model("cheap", price=1, quality={"default": 0.70, "math": 0.85}, latency_ms=500),
        model("middle", price=2, quality=0.85, latency_ms=2_000, aliases=["middle-2026"]),
        model("middle-south", "south", price=3, quality=0.86, latency_ms=4_000),
        model("best", price=10, quality=0.95, latency_ms=9_000, capabilities=["tools", "vision"]),
        model("other", "east", price=20, quality=0.3, latency_ms=10_000),
        retired=[{"id": "ancient", "retired_on": "2025-01-01", "successor": "middle"}],
    )


def router_over(models: tuple[Registry, PriceBook], **options: Any) -> Router:
    defaults: dict[str, Any] = {
        "reach": lambda _: frozenset(PROVIDERS),
        "default_quality_bar": 0.8,
        "default_max_output_tokens": 1_000,
    }
    return Router(*models, **{**defaults, **options})


def policy(**limits: Any) -> PolicySnapshot:
    fields = dict.fromkeys(PolicySnapshot.__dataclass_fields__)
    open_to_all = {"version": 1, "allowed_models": frozenset(), "denied_models": frozenset(), "cache_enabled": True}
    return PolicySnapshot(**{**fields, **open_to_all, "baseline_model": "", **limits})


def a_call(
    model: str | None = None,
    *,
    wire: Wire = Wire.CHAT,
    content: Any = "hello",
    size: int = 300,
    output: int | None = None,
    mode: RoutingMode | None = None,
    fields: dict[str, Any] | None = None,
    **controls: Any,
) -> Call:
    mode = mode or (RoutingMode.EXPLICIT if model else RoutingMode.AUTOPILOT)
    body = {"messages": [{"role": "user", "content": content}], **(fields or {})}
    return Call("req_1", wire, body, model, False, False, output, size, Controls(mode, **controls), 0.0)


def planned(router: Router, call: Call, text: str = QA, limits: PolicySnapshot | None = None) -> Plan:
    plan = router.plan(call, task_text=text, policy=limits or policy())
    assert isinstance(plan, Plan), plan
    return plan


def refused(router: Router, call: Call, limits: PolicySnapshot | None = None) -> Refusal:
    refusal = router.plan(call, task_text=QA, policy=limits or policy())
    assert isinstance(refusal, Refusal), refusal
    assert router.candidates(call, limits or policy()) == refusal
    return refusal


Build = Callable[..., Router]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def build(folder: Path) -> Build:
    """Makes routers over five small models."""
    return partial(router_over, five_models(folder))


@pytest.fixture
def router(build: Build) -> Router:
    return build()
