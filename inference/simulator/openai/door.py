"""OpenAI's paths, for OpenAI itself and for a provider that copies it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from inference.simulator.exchange import Request
from inference.simulator.openai import batches, chat, embeddings, files, listing
from inference.simulator.openai.errors import OpenAIDialect, missing_key, unknown_url
from inference.simulator.openai.responses import creating, retrieving
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Document, Prepared
from inference.simulator.world import World

Handled = Prepared | Refusal | Document | bytes
Section = Callable[[World, str, Request, str], Handled]
"""What serves the paths below one name: world, provider, request and the rest of the path."""


class OpenAIDoor:
    """Serves everything below `/v1`."""

    dialect = OpenAIDialect()

    def __init__(self, provider: str) -> None:
        self._provider = provider

    def handle(self, world: World, request: Request, path: str) -> Handled:
        if not request.bearer:
            return missing_key()
        post = _POSTS.get(path) if request.method == "POST" else None
        if post is not None:
            return post(world, provider=self._provider, body=request.body)
        name, _, tail = path.removeprefix("/v1/").partition("/")
        section = _SECTIONS.get(name) if path.startswith("/v1/") else None
        return section(world, self._provider, request, tail) if section else unknown_url(request.method, path)


def _models(world: World, provider: str, request: Request, tail: str) -> Handled:
    if request.method != "GET":
        return unknown_url(request.method, f"/v1/models/{tail}")
    if not tail:
        return listing.list_models(world, provider=provider)
    return listing.get_model(world, provider=provider, model=unquote(tail))


def _responses(world: World, provider: str, request: Request, tail: str) -> Handled:
    if tail or request.method != "POST":
        return retrieving.handle(world, provider=provider, method=request.method, tail=tail, query=request.query)
    metadata = request.header(b"x-client-request-id")
    return creating.prepare(world, provider=provider, body=request.body, path=request.path, metadata=metadata)


_POSTS: dict[str, Callable[..., Prepared | Refusal]] = {
    "/v1/chat/completions": chat.prepare,
    "/v1/embeddings": embeddings.prepare,
    "/v1/responses/input_tokens": creating.prepare_count,
}
_SECTIONS: dict[str, Section] = {
    "models": _models,
    "responses": _responses,
    "files": files.handle,
    "batches": batches.handle,
}
