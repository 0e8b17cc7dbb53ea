"""The simulator as an ASGI application: which door a path leads to."""

from __future__ import annotations

import time
from typing import Protocol

import msgspec

from inference.simulator import control
from inference.simulator.anthropic.door import AnthropicDoor
from inference.simulator.cohere.door import CohereDoor
from inference.simulator.exchange import BodyTooLargeError, Client, Message, Receive, Request, Send
from inference.simulator.openai.door import OpenAIDoor
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Dialect, Document, Prepared
from inference.simulator.serving import Serving
from inference.simulator.world import World

_MOST_BYTES = 32 * 1024 * 1024


class Door(Protocol):
    """One provider's paths."""

    @property
    def dialect(self) -> Dialect: ...

    def handle(self, world: World, request: Request, path: str) -> Prepared | Refusal | Document | bytes:
        """A call to serve, a reason not to, or a JSON body that costs nothing."""


class Simulator:
    """`/openai`, `/anthropic`, `/cohere` and `/compat/<provider>` lead to the providers; the rest is our own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._doors: dict[str, Door] = {
            "openai": OpenAIDoor("openai"),
            "anthropic": AnthropicDoor(),
            "cohere": CohereDoor(),
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        client = Client(receive, send)
        try:
            await self._exchange(scope, client)
        finally:
            await client.close()

    async def _exchange(self, scope: Message, client: Client) -> None:
        try:
            body = await client.read_body(limit=_MOST_BYTES)
        except BodyTooLargeError:
            return await client.respond(413, b'{"error":{"message":"The request body is too large."}}')
        if client.gone:
            return None
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], scope["path"], query, dict(scope["headers"]), body)
        door, path = self._door(request.path)
        if door is None:
            return await self._own(scope, client, request)
        serving = Serving(world=self._world, client=client, request=request, dialect=door.dialect)
        outcome = door.handle(self._world, request, path)
        if isinstance(outcome, Prepared):
            return await serving.serve(outcome)
        if isinstance(outcome, Refusal):
            return await serving.refuse(outcome)
        return await serving.answer(outcome)

    def _door(self, path: str) -> tuple[Door | None, str]:
        _, first, *rest = path.split("/", 2)
        below = "/" + (rest[0] if rest else "")
        if first != "compat":
            return self._doors.get(first), below
        provider, _, tail = below[1:].partition("/")
        if not provider:
            return None, path
        # A provider that copies OpenAI's protocol gets a door when it is first asked for; our own config names them.
        return self._doors.setdefault(f"compat/{provider}", OpenAIDoor(provider)), f"/{tail}"

    async def _own(self, scope: Message, client: Client, request: Request) -> None:
        if request.path == "/health":
            health = {
                "status": "ok",
                "simulated": True,
                "uptime_seconds": round(time.time() - self._world.started_at, 3),
            }
            return await client.respond(200, msgspec.json.encode(health))
        if not request.path.startswith(control.PREFIX + "/"):
            return await client.respond(404, b'{"error":"not found"}')
        if not control.is_loopback(scope["client"][0]):
            return await client.respond(403, b'{"error":"the control endpoints answer on loopback only"}')
        answer = control.handle(self._world, request)
        return await client.respond(answer.status, answer.body)
