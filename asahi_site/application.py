"""The ASGI application: hot routes to the lean handler, pages to Django, sockets to Channels, and the lifespan.

Needs Django's app registry; `asahi_site.asgi` is what a server imports.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

from analytics.routing import websocket_urlpatterns
from asahi_site import wiring
from asahi_site.cors import Cors
from asahi_site.lean import LeanHandler
from asahi_site.lean_paths import UPLOAD_PATHS, is_lean
from asahi_site.uploads import FRAMING_BYTES, UploadHandler

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_pages = get_asgi_application()
_gateway = LeanHandler("asahi_site.gateway_urls", max_body_bytes=settings.ASAHI.api.max_body_bytes)
_spooling = UploadHandler("asahi_site.gateway_urls", max_body_bytes=settings.ASAHI.files.max_bytes + FRAMING_BYTES)
_cors = settings.ASAHI.api.cors_origins
_hot = Cors(_gateway, _cors) if _cors else _gateway
_uploads = Cors(_spooling, _cors) if _cors else _spooling
_sockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Dispatches by what arrives; the hot paths are looked at first."""
    if scope["type"] == "http":
        path = scope["path"]
        if path in UPLOAD_PATHS:
            await _uploads(scope, receive, send)
            return
        await (_hot if is_lean(path) else _pages)(scope, receive, send)
    elif scope["type"] == "websocket":
        await _sockets(scope, receive, send)
    else:
        await _lifespan(receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    stack = AsyncExitStack()
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await stack.enter_async_context(wiring.serving())
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
                raise
            await send({"type": "lifespan.startup.complete"})
        else:
            await stack.aclose()
            await send({"type": "lifespan.shutdown.complete"})
            return
