"""A gateway and a simulator as replay meets them over HTTP, small enough to see through, with faults on demand."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from inference.gateway_client import Endpoint, usd_from_nano

KEY = "asahi_live_test"
PRICES = {"cheap-model": 1_001, "dear-model": 20_003}
"""Nano-USD a character of the answer."""


@dataclass
class Entry:
    request_id: str
    tags: list[str]
    cost: int
    original: int


@dataclass
class FakeGateway:
    """Answers from recordings, caches exactly, charges by the character, and keeps a ledger.

    `faults` are answered instead, in turn. `lag` is how many looks at the ledger still miss its last entry. `skim` is
    added to the ledger's total behind the receipts' back. `confused` maps a prompt to the one whose answer it gets.
    """

    recordings: dict[tuple[str, str], str] = field(default_factory=dict)
    requests: list[tuple[dict[str, Any], Mapping[str, str]]] = field(default_factory=list)
    ledger: list[Entry] = field(default_factory=list)
    faults: deque[web.Response | None] = field(default_factory=deque)
    cached: dict[str, tuple[str, str]] = field(default_factory=dict)
    confused: dict[str, str] = field(default_factory=dict)
    lag: int = 0
    skim: int = 0
    control_status: int = 200
    simulated: bool = True
    on_request: Any = None

    async def start(self) -> TestServer:
        app = web.Application(client_max_size=2**25)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/v1/receipts/{id}", self.receipt)
        app.router.add_get("/analytics/cost-summary", self.cost_summary)
        app.router.add_get("/analytics/recent-inferences", self.recent)
        app.router.add_post("/_control/recordings", self.record)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server(access_log=None)
        return server

    async def record(self, request: web.Request) -> web.Response:
        if self.control_status != 200:
            return web.Response(status=self.control_status, text="no")
        body = await request.json()
        self.recordings.update({(one["model"], one["prompt"]): one["text"] for one in body["answers"]})
        return web.json_response({})

    async def models(self, request: web.Request) -> web.Response:
        if refused := self._refuse(request):
            return refused
        return web.json_response({"data": [{"id": model} for model in PRICES]})

    async def chat(self, request: web.Request) -> web.Response:
        if refused := self._refuse(request):
            return refused
        body = await request.json()
        self.requests.append((body, request.headers.copy()))
        # Like the real one, it charges for a call whose client has gone.
        return await asyncio.shield(asyncio.ensure_future(self._serve(body, request.headers.copy())))

    async def _serve(self, body: dict[str, Any], headers: Mapping[str, str]) -> web.Response:
        if self.on_request:
            await self.on_request()
        fault = self.faults.popleft() if self.faults else None
        return fault if fault is not None else self._answer(body, headers)

    def _answer(self, body: dict[str, Any], headers: Mapping[str, str]) -> web.Response:
        prompt = body["messages"][-1]["content"]
        asked = body["model"]
        model = self._route(prompt, headers) if asked == "asahi" else asked
        key = json.dumps(body, sort_keys=True)
        use_cache = headers["x-asahi-cache"] != "off"
        hit = self.cached.get(key) if use_cache else None
        answered_as = self.confused.get(prompt, prompt)
        text, model = hit or (self.recordings.get((model, answered_as), f"made up by {model}"), model)
        self.cached[key] = (text, model)
        original = len(text) * PRICES["dear-model" if asked == "asahi" else asked]
        entry = Entry(
            f"req_{len(self.ledger):032x}",
            headers.get("x-asahi-tags", "").split(","),
            0 if hit else len(text) * PRICES[model],
            original,
        )
        self.ledger.append(entry)
        return web.json_response(
            {"choices": [{"message": {"role": "assistant", "content": text}}]},
            headers={
                "x-asahi-request-id": entry.request_id,
                "x-asahi-model": model,
                "x-asahi-cache": "t1" if hit else "miss",
                "x-asahi-cost": usd_from_nano(entry.cost),
                "x-asahi-cost-original": usd_from_nano(entry.original),
                "x-asahi-routing-reason": f"{model} was chosen",
                "x-asahi-simulated": str(self.simulated).lower(),
            },
        )

    def _route(self, prompt: str, headers: Mapping[str, str]) -> str:
        """Short prompts to the first candidate, long ones to the second."""
        weak, strong = headers["x-asahi-candidates"].split(",")
        return weak if len(prompt) % 2 == 0 else strong

    async def receipt(self, request: web.Request) -> web.Response:
        found = [entry for entry in self.ledger if entry.request_id == request.match_info["id"]]
        if not found:
            return web.json_response({"error": {"message": "no such receipt"}}, status=404)
        body = {"cost_exact": usd_from_nano(found[0].cost), "cost_original_exact": usd_from_nano(found[0].original)}
        return web.json_response(body)

    async def cost_summary(self, request: web.Request) -> web.Response:
        if refused := self._refuse(request):
            return refused
        entries = [entry for entry in self.ledger if request.query["tag"] in entry.tags]
        if self.lag:
            self.lag -= 1
            entries.pop()
        total = sum(entry.cost for entry in entries) + self.skim
        return web.json_response({"total_requests": len(entries), "total_cost_exact": usd_from_nano(total)})

    async def recent(self, request: web.Request) -> web.Response:
        found = [entry for entry in reversed(self.ledger) if request.query["tag"] in entry.tags]
        return web.json_response([{"request_id": entry.request_id} for entry in found[: int(request.query["limit"])]])

    def _refuse(self, request: web.Request) -> web.Response | None:
        if request.headers.get("authorization") == f"Bearer {KEY}":
            return None
        return web.json_response({"error": {"message": "unknown key"}}, status=401)


def endpoint_of(server: TestServer, key: str = KEY) -> Endpoint:
    return Endpoint(str(server.make_url("")).rstrip("/"), key)


def failure(status: int, message: str = "broken", **headers: str) -> web.Response:
    """An error answer; `retry_after="1"` becomes the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response({"error": {"message": message}}, status=status, headers=named)


class SilentProgress:
    def __init__(self) -> None:
        self.advanced = 0
        self.waits: list[float] = []

    def begin(self, current: object, *, total: int, done: int) -> None:
        pass

    def advance(self) -> None:
        self.advanced += 1

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


@contextmanager
def serve_in_thread(gateway: FakeGateway) -> Iterator[Endpoint]:
    """The gateway on an event loop of its own, for callers that run one themselves, as the commands do."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(gateway.start(), loop).result(10)
    try:
        yield endpoint_of(server)
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
