"""The WebSocket routes. Whoever mounts them brings the session and checks the origin."""

from __future__ import annotations

from django.urls import URLPattern, path

from analytics.consumers import LiveConsumer
from analytics.dashboard import LIVE_SOCKET_PATH

websocket_urlpatterns: list[URLPattern] = [
    path(LIVE_SOCKET_PATH.removeprefix("/"), LiveConsumer.as_asgi()),
]
