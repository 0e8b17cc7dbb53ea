"""GET /v1/models and GET /v1/models/{id}."""

from __future__ import annotations

import msgspec

from inference.simulator.openai.errors import unknown_model
from inference.simulator.refusals import Refusal
from inference.simulator.world import World

_CREATED = 1_767_225_600
"""The same moment for all of them: when a model was published is not simulated."""


def list_models(world: World, *, provider: str) -> bytes:
    names = world.catalogue.models(provider)
    return msgspec.json.encode({"object": "list", "data": [_model(name, provider) for name in names]})


def get_model(world: World, *, provider: str, model: str) -> bytes | Refusal:
    if world.catalogue.chats(provider, model) or world.catalogue.dimensions(provider, model):
        return msgspec.json.encode(_model(model, provider))
    return unknown_model(model)


def _model(name: str, provider: str) -> dict[str, str | int]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": provider}
