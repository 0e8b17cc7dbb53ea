"""Cohere's paths."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from inference.simulator.cohere import chat, embed, listing
from inference.simulator.cohere.errors import CohereDialect, missing_key, unknown_url
from inference.simulator.exchange import Request
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Prepared
from inference.simulator.world import World

_POSTS: dict[str, Callable[[World, bytes], Prepared | Refusal]] = {
    "/v2/chat": lambda world, body: chat.prepare(world, body=body),
    "/v2/embed": lambda world, body: embed.prepare(world, version=2, body=body),
    "/v1/embed": lambda world, body: embed.prepare(world, version=1, body=body),
}
_MODELS = "/v1/models"


class CohereDoor:
    """Serves chat and embeddings of version 2, embeddings and models of version 1."""

    dialect = CohereDialect()

    def handle(self, world: World, request: Request, path: str) -> Prepared | Refusal | bytes:
        if not request.bearer:
            return missing_key()
        if request.method == "POST" and path in _POSTS:
            return _POSTS[path](world, request.body)
        if request.method == "GET" and path == _MODELS:
            return listing.list_models(world, query=request.query)
        if request.method == "GET" and path.startswith(_MODELS + "/"):
            return listing.get_model(world, model=unquote(path[len(_MODELS) + 1 :]))
        return unknown_url()
