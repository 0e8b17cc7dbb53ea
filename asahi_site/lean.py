"""The lean handler: Django's ASGI handler for the API's hot routes, without what they do not use.

No middleware, no thread-sensitive context, no request signals, no session (together 1.7 ms a request); the body is read
into memory up to its limit. A client that goes away cancels the request: at once for a stream, after half a second for
anything else, since watching costs a task. What was used is recorded all the same, in a task that belongs to no client.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import close_old_connections
from django.http.response import HttpResponseBase
from django.urls import get_resolver

from analytics.ids import new_request_id
from asahi_site import errors
from inference.api.intake import Arrival
from inference.api.paths import in_openais_shape_alone
from inference.api.render import WireResponse
from inference.flights import ClientStalled

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_WATCH_AFTER_SECONDS = 0.5
_BODY_SECONDS = 60.0


class Gone(Exception):  # noqa: N818 - the client is
    """The client went away before its body was complete."""


class LeanHandler(ASGIHandler):
    """Serves the routes of one urlconf."""

    body_seconds = _BODY_SECONDS
    """How long a body may take to arrive."""

    def __init__(self, urlconf: str, *, max_body_bytes: int) -> None:
        super().__init__()
        self._max_body_bytes = max_body_bytes
        self._resolve = lru_cache(maxsize=256)(get_resolver(urlconf).resolve)

    def load_middleware(self, is_async: bool = False) -> None:
        """None: settings.MIDDLEWARE is for pages."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        at, request_id = time.perf_counter(), new_request_id()
        watch = _Watch(receive, self.body_seconds)
        try:
            raw = await self._read(scope, receive)
            watch.body_is_here()
            request = _request_of(scope, request_id, at, raw or b"")
            if raw is None:
                await self._send(errors.body_too_large(request, self._max_body_bytes), send)
            else:
                await self._answer(request, send, watch)
        except Gone:
            return
        except asyncio.CancelledError:
            if watch.too_slow:
                await self._send(errors.body_too_slow(_request_of(scope, request_id, at, b""), self.body_seconds), send)
            elif not watch.gone:
                raise
        finally:
            watch.stop()

    async def _read(self, scope: Scope, receive: Receive) -> bytes | IO[bytes] | None:
        """The body; None when it is larger than the limit."""
        if self._declares_too_much(scope):
            return None
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            size += len(part)
            if size > self._max_body_bytes:
                return None
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts) if len(parts) > 1 else parts[0]

    def _declares_too_much(self, scope: Scope) -> bool:
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        return declared.isdigit() and int(declared) > self._max_body_bytes

    async def _answer(self, request: ASGIRequest, send: Send, watch: _Watch) -> None:
        response = await self._respond(request)
        if isinstance(response, WireResponse) and response.stream is not None:
            watch.begin()
            await self._stream(response, send)
        else:
            await self._send(response, send)

    async def _respond(self, request: ASGIRequest) -> HttpResponseBase:
        try:
            in_openais_shape_alone(request)
            match = request.resolver_match = self._resolve(request.path_info)
            view = match.func if iscoroutinefunction(match.func) else _off_the_loop(match.func)
            response: HttpResponseBase = await view(request, *match.args, **match.kwargs)
        except Exception as error:
            return errors.response_for(request, error)
        if response.status_code < 400 or isinstance(response, WireResponse):
            return response
        return errors.own(request, response)

    async def _send(self, response: HttpResponseBase, send: Send) -> None:
        headers, body = _parts(response)
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, response: WireResponse, send: Send) -> None:
        assert response.stream is not None

        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        try:
            await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
            await response.stream.pump(write)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except ClientStalled:
            return  # the server closes a connection whose answer was left unfinished
        finally:
            await response.stream.aclose()


class _Watch:
    """Cancels the task that created it when its client goes away, or takes too long to send its body. One timer does
    for both, since nearly every request is over before it fires."""

    def __init__(self, receive: Receive, body_seconds: float) -> None:
        self._receive = receive
        self._body_seconds = body_seconds
        self._watched = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER_SECONDS, self._look)
        self._task: asyncio.Task[None] | None = None
        self._has_body = False
        self._is_late = False
        self.too_slow = False
        self.gone = False

    def body_is_here(self) -> None:
        self._has_body = True
        if self._is_late:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER_SECONDS, self.begin)

    def begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._wait())

    def _look(self) -> None:
        if self._has_body:
            self.begin()
        else:
            self._is_late = True
            self._timer = asyncio.get_running_loop().call_later(self._body_seconds, self._give_up)

    def _give_up(self) -> None:
        self.too_slow = True
        if self._watched is not None:
            self._watched.cancel()

    async def _wait(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect" and self._watched is not None:
            self.gone = True
            self._watched.cancel()

    def stop(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()


def _request_of(scope: Scope, request_id: str, at: float, body: bytes | IO[bytes]) -> ASGIRequest:
    """With a body in a file the request is read from there, and its arrival has none."""
    request = ASGIRequest(scope, io.BytesIO() if isinstance(body, bytes) else body)
    raw = body if isinstance(body, bytes) else b""
    request.asahi_arrival = Arrival(request_id, at, raw, request.META, scope.get("asahi_digest", b""))  # type: ignore[attr-defined]
    if isinstance(body, bytes):
        request._body = body
    return request


def _off_the_loop(view: Callable[..., HttpResponseBase]) -> Callable[..., Awaitable[HttpResponseBase]]:
    """An ordinary view, in a thread, with the care for database connections that request signals would have taken."""

    def call(*args: Any, **kwargs: Any) -> HttpResponseBase:
        close_old_connections()
        try:
            return view(*args, **kwargs)
        finally:
            close_old_connections()

    return sync_to_async(call, thread_sensitive=False)


def _parts(response: HttpResponseBase) -> tuple[list[tuple[bytes, bytes]], bytes]:
    if isinstance(response, WireResponse):
        return list(response.raw_headers), response.body
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    return headers, response.content  # type: ignore[attr-defined]
