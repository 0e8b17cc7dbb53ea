"""GET /v1/models and GET /v1/models/{id}."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import msgspec

from inference.simulator.anthropic.errors import invalid, unknown_model
from inference.simulator.anthropic.models import family_of, most_output_tokens
from inference.simulator.refusals import Refusal
from inference.simulator.world import World

_CREATED = "2026-01-01T00:00:00Z"
"""The same moment for all of them: when a model was published is not simulated."""


def list_models(world: World, *, query: str) -> bytes | Refusal:
    """A page of models; `after_id` continues behind a model, `limit` is 1 to 1000."""
    asked = parse_qs(query)
    limit = asked.get("limit", ["20"])[0]
    if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
        return invalid("limit: Input should be between 1 and 1000")
    names = world.catalogue.models("anthropic")
    after = asked.get("after_id", [""])[0]
    start = names.index(after) + 1 if after in names else 0
    page = names[start : start + int(limit)]
    body = {
        "data": [_model(world, name) for name in page],
        "has_more": start + len(page) < len(names),
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }
    return msgspec.json.encode(body)


def get_model(world: World, *, model: str) -> bytes | Refusal:
    if not world.catalogue.chats("anthropic", model):
        return unknown_model(model)
    return msgspec.json.encode(_model(world, model))


def _model(world: World, name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": _CREATED,
        "lifecycle": "active",
        "line": family_of(name)[0] or None,
        "max_input_tokens": world.catalogue.context("anthropic", name),
        "max_tokens": most_output_tokens(name),
    }
