"""The real pages and sockets for a real browser, served from this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

from analytics.routing import websocket_urlpatterns


@contextmanager
def served() -> Iterator[str]:
    """Pages, assets and sockets on a free port of this machine."""
    sockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
    application = ProtocolTypeRouter({"http": ASGIStaticFilesHandler(get_asgi_application()), "websocket": sockets})
    config = uvicorn.Config(application, port=0, lifespan="off", log_level="critical", ws="websockets-sansio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{_port_of(server)}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _port_of(server: uvicorn.Server) -> int:
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    return server.servers[0].sockets[0].getsockname()[1]
