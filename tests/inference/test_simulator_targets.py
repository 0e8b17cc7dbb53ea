"""The gateway's own address book against the simulator: every registered model can be called where it says."""

from __future__ import annotations

from typing import Any

import httpx

from inference.catalog import registry
from inference.domain import Model, Wire
from inference.providers.targets import Targets
from tests.inference.simulator_process import RunningSimulator


def body_for(model: Model) -> dict[str, Any]:
    if model.wire is Wire.EMBEDDINGS:
        return {"model": model.upstream_id, "input": "Hello"}
    if model.wire is Wire.RESPONSES:
        return {"model": model.upstream_id, "max_output_tokens": 16, "input": "Hello"}
    limit = "max_tokens" if model.wire is Wire.MESSAGES else "max_completion_tokens"
    return {"model": model.upstream_id, limit: 10, "messages": [{"role": "user", "content": "Hello"}]}


def test_every_registered_model_answers(simulator: RunningSimulator) -> None:
    targets = Targets(registry(), environ={}, simulator_url=simulator.url, simulate=True)
    answered = {}
    with httpx.Client() as client:
        for model in registry().models:
            target = targets.for_model(model, model.wire)
            assert target is not None
            response = client.post(target.url, headers=dict(target.headers), json=body_for(model))
            answered[model.id] = response.status_code

    assert answered
    assert set(answered.values()) == {200}, answered
    assert [call["model"] for call in simulator.calls()] == [model.upstream_id for model in registry().models]
