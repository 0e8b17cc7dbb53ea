"""What a simulator said is never given once a provider is real: neither from T1, nor from T2, nor by a shared call."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from django.conf import settings

from asahi_site.provider_wiring import make_outward
from asahi_site.wiring import _make_quoting, _make_router
from governance.domain import Principal, Scope
from governance.principals import policy_of
from inference import catalog
from inference.domain import Order, RoutingMode
from tests.inference.routing_calls import a_call

NOBODY = Principal(str(uuid4()), "key", frozenset({Scope.ALL}), policy_of({}), None)


def quoted(mode: RoutingMode) -> Order:
    """As a process quotes that is started now."""
    registry, prices = catalog.registry(), catalog.price_book()
    outward = make_outward(registry)
    quote = _make_quoting(registry, _make_router(registry, prices, outward), prices, outward)
    call = a_call()
    model = "gpt-6-luna" if mode is RoutingMode.EXPLICIT else None
    order = quote(NOBODY, replace(call, model=model, controls=replace(call.controls, routing_mode=mode)), {})
    assert isinstance(order, Order)
    return order


@pytest.mark.parametrize("mode", [RoutingMode.EXPLICIT, RoutingMode.AUTOPILOT])
def test_answers_of_a_simulator_are_kept_apart_from_those_of_providers(
    monkeypatch: pytest.MonkeyPatch, mode: RoutingMode
) -> None:
    monkeypatch.setattr(settings, "SIMULATOR_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    simulated = quoted(mode)
    assert quoted(mode).t1_key == simulated.t1_key
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    real = quoted(mode)
    assert real.t1_key != simulated.t1_key  # T1, and calls that share an answer
    assert real.intent != simulated.intent  # T2 and T3
