"""GET /v1/models and GET /v1/models/{name}."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import msgspec

from inference.simulator.cohere.errors import unknown_model
from inference.simulator.refusals import Refusal
from inference.simulator.world import World


def list_models(world: World, *, query: str) -> bytes:
    endpoint = parse_qs(query).get("endpoint", [""])[0]
    models = [_model(world, name) for name in world.catalogue.models("cohere")]
    return msgspec.json.encode({"models": [model for model in models if endpoint in ("", *model["endpoints"])]})


def get_model(world: World, *, model: str) -> bytes | Refusal:
    if model not in world.catalogue.models("cohere"):
        return unknown_model(model)
    return msgspec.json.encode(_model(world, model))


def _model(world: World, name: str) -> dict[str, Any]:
    endpoint = "embed" if world.catalogue.dimensions("cohere", name) else "chat"
    return {
        "name": name,
        "is_deprecated": False,
        "endpoints": [endpoint],
        "finetuned": False,
        "context_length": world.catalogue.context("cohere", name),
        "tokenizer_url": None,
        "default_endpoints": [],
        "features": None,
    }
