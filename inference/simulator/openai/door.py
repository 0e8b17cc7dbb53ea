"""OpenAI's paths, for OpenAI itself and for a provider that copies it."""

from __future__ import annotations

from urllib.parse import unquote

from inference.simulator.exchange import Request
from inference.simulator.openai import chat, embeddings, listing
from inference.simulator.openai.errors import OpenAIDialect, missing_key, unknown_url
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Prepared
from inference.simulator.world import World

_POSTS = {"/v1/chat/completions": chat.prepare, "/v1/embeddings": embeddings.prepare}
_MODELS = "/v1/models"


class OpenAIDoor:
    """Serves everything below `/v1`."""

    dialect = OpenAIDialect()

    def __init__(self, provider: str) -> None:
        self._provider = provider

    def handle(self, world: World, request: Request, path: str) -> Prepared | Refusal | bytes:
        if not request.bearer:
            return missing_key()
        if request.method == "POST" and path in _POSTS:
            return _POSTS[path](world, provider=self._provider, body=request.body)
        if request.method == "GET" and path == _MODELS:
            return listing.list_models(world, provider=self._provider)
        if request.method == "GET" and path.startswith(_MODELS + "/"):
            return listing.get_model(world, provider=self._provider, model=unquote(path[len(_MODELS) + 1 :]))
        return unknown_url(request.method, path)
