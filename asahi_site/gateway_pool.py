"""The gateway's pool of Postgres connections, on which no wait is without end.

The server's own `statement_timeout` says nothing when the server, or the network to it, is frozen, and cancelling a
query asks that very server. So every wait has a deadline here, after which the connection itself is given up.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import RV, PQGen
from psycopg_pool import AsyncConnectionPool

from caching.postgres_store import SESSION_OPTIONS, learn_types
from governance.principals import Pool

_STATEMENT_MS = 5000
_ANSWER_SECONDS = 6.0  # the server's own limit comes first, as it leaves the connection usable
_CANCEL_SECONDS = 1.0
_FREE_CONNECTION_SECONDS = 2.0
_CONNECT_SECONDS = 2
_RECONNECT_SECONDS = 4.0  # then the next request asks anew: the pool's own pauses double up to minutes


class BoundedConnection(AsyncConnection[Any]):
    """A connection that is closed when the server does not answer in time."""

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        try:
            return await super().wait(gen, interval, _ANSWER_SECONDS)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != psycopg.pq.TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError("Postgres did not answer in time: connection given up") from error

    async def cancel_safe(self, *, timeout: float = _CANCEL_SECONDS) -> None:  # noqa: ASYNC109 - psycopg's signature
        """What a cancelled task does first: ask the server, but not for long."""
        await super().cancel_safe(timeout=min(timeout, _CANCEL_SECONDS))


def make_pool(url: str) -> Pool:
    """The pool, not open yet."""
    return AsyncConnectionPool(
        url,
        connection_class=BoundedConnection,
        min_size=1,
        max_size=10,
        open=False,
        configure=learn_types,
        timeout=_FREE_CONNECTION_SECONDS,
        reconnect_timeout=_RECONNECT_SECONDS,
        kwargs={
            "autocommit": True,
            "options": f"-c statement_timeout={_STATEMENT_MS} {SESSION_OPTIONS}",
            "connect_timeout": _CONNECT_SECONDS,
            "tcp_user_timeout": int(_ANSWER_SECONDS * 1000),
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    )
