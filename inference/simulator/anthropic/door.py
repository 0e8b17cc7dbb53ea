"""Anthropic's paths."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from inference.simulator.anthropic import batches, listing, messages
from inference.simulator.anthropic.errors import AnthropicDialect, missing_key, missing_version, unknown_url
from inference.simulator.exchange import Request
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Document, Prepared
from inference.simulator.world import World

_POSTS: dict[str, Callable[..., Prepared | Refusal]] = {
    "/v1/messages": messages.prepare,
    "/v1/messages/count_tokens": messages.prepare_count,
}
_MODELS = "/v1/models"
_BATCHES = "/v1/messages/batches"


class AnthropicDoor:
    """Serves everything below `/v1`. A key comes as `x-api-key` or, as the current SDK sends it, as a bearer token."""

    dialect = AnthropicDialect()

    def handle(self, world: World, request: Request, path: str) -> Prepared | Refusal | Document | bytes:
        if not (request.header(b"x-api-key").strip() or request.bearer):
            return missing_key()
        if not request.header(b"anthropic-version"):
            return missing_version()
        if request.method == "POST" and path in _POSTS:
            return _POSTS[path](world, body=request.body)
        if path == _BATCHES or path.startswith(_BATCHES + "/"):
            return batches.handle(world, request, path[len(_BATCHES) + 1 :])
        return _get(world, request, path) if request.method == "GET" else unknown_url()


def _get(world: World, request: Request, path: str) -> Refusal | bytes:
    if path == _MODELS:
        return listing.list_models(world, query=request.query)
    if path.startswith(_MODELS + "/"):
        return listing.get_model(world, model=unquote(path[len(_MODELS) + 1 :]))
    return unknown_url()
