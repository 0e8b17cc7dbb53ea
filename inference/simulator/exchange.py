"""One HTTP exchange over ASGI: the request as read, and a client that may leave before the answer is complete."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

JSON = b"application/json"
EVENT_STREAM: Headers = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[bytes, bytes]
    body: bytes

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def bearer(self) -> str:
        """The token of an `Authorization: Bearer` header, or nothing."""
        scheme, _, token = self.header(b"authorization").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


class BodyTooLargeError(Exception):
    """The request's body is larger than its route takes."""


class Client:
    """The other end. Once `gone` is true nothing more reaches it, and nothing more must be counted as sent."""

    __slots__ = ("_leaving", "_receive", "_send", "_watch", "gone")

    def __init__(self, receive: Receive, send: Send) -> None:
        self.gone = False
        self._receive = receive
        self._send = send
        self._watch: asyncio.Task[None] | None = None
        self._leaving: asyncio.Future[None] | None = None

    async def read_body(self, *, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                return b""
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise BodyTooLargeError
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    async def respond(self, status: int, body: bytes, headers: Headers = (), *, content_type: bytes = JSON) -> None:
        """A whole answer at once."""
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *headers],
            }
        )
        await self._send({"type": "http.response.body", "body": body})

    async def start(self, headers: Headers) -> None:
        """Begin an answer that is sent in pieces."""
        self._watch_for_departure()
        await self._send({"type": "http.response.start", "status": 200, "headers": list(headers)})

    async def start_stream(self, headers: Headers) -> None:
        await self.start([*EVENT_STREAM, *headers])

    async def write(self, chunk: bytes) -> bool:
        """Send a chunk, waiting while the client reads slower than we write; false when it has left."""
        if not self.gone:
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        return not self.gone

    async def end_stream(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def pause(self, seconds: float | None) -> bool:
        """Wait, without end when no time is given; false as soon as the client leaves."""
        if seconds == 0 or self.gone:
            return not self.gone
        self._watch_for_departure()
        loop = asyncio.get_running_loop()
        self._leaving = loop.create_future()
        timer = loop.call_later(seconds, _resolve, self._leaving) if seconds is not None else None
        try:
            await self._leaving
        finally:
            self._leaving = None
            if timer is not None:
                timer.cancel()
        return not self.gone

    async def close(self) -> None:
        """Stop watching. Every exchange ends with it."""
        if self._watch is not None and not self._watch.done():
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    def _watch_for_departure(self) -> None:
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._await_departure())

    async def _await_departure(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._leaving is not None:
            _resolve(self._leaving)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
