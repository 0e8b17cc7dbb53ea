"""Django's cache in Redis, over one pool of connections per process, and without patience.

Django keeps a client, with a pool of its own, for every thread. Under ASGI a page gets a new thread, so that each would
open a new connection and leave it to the garbage collector. And redis-py by default retries for seconds, which a page
would spend waiting although all that is lost is a copy of a session.
"""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

_PATIENCE_SECONDS = 0.25

_pools: dict[tuple[str, ...], dict[int, ConnectionPool]] = {}


class SharedPoolClient(RedisCacheClient):
    """A client whose pools belong to the process."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        impatient: dict[str, Any] = {
            "socket_timeout": _PATIENCE_SECONDS,
            "socket_connect_timeout": _PATIENCE_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        super().__init__(servers, **(impatient | options))
        self._pools = _pools.setdefault(tuple(servers), {})


class SharedPoolCache(RedisCache):
    """Django's own Redis cache with the client above."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = SharedPoolClient
