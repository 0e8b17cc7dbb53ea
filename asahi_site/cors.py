"""CORS for browsers that call the API directly. Only origins that are named may; credentials are never allowed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_EXPOSED = b"x-asahi-request-id, x-asahi-model, x-asahi-cache, x-asahi-cost, x-asahi-cost-original, \
x-asahi-savings-percent, x-asahi-routing-reason, x-request-id, request-id, retry-after"


class Cors:
    """Wraps an application; `origins` are exact, or `*` for any."""

    def __init__(self, app: App, origins: Sequence[str]) -> None:
        self._app = app
        self._any = "*" in origins
        self._origins = {origin.encode() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None or not (self._any or origin in self._origins):
            await self._app(scope, receive, send)
            return
        allow = [(b"access-control-allow-origin", b"*" if self._any else origin), (b"vary", b"Origin")]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await _preflight(headers, allow, send)
            return

        async def send_allowed(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                exposed = (b"access-control-expose-headers", _EXPOSED)
                message = {**message, "headers": [*message["headers"], *allow, exposed]}
            await send(message)

        await self._app(scope, receive, send_allowed)


async def _preflight(headers: dict[bytes, bytes], allow: list[tuple[bytes, bytes]], send: Send) -> None:
    answer = [
        *allow,
        (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
        (b"access-control-allow-headers", headers.get(b"access-control-request-headers", b"*")),
        (b"access-control-max-age", b"600"),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": answer})
    await send({"type": "http.response.body", "body": b""})
