"""Connections to providers: which of them was used before, and to which addresses one may be made at all."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from governance.addresses import AddressGuard

was_used: ContextVar[bool] = ContextVar("was_used", default=False)
"""Whether the connection of this task's last request had been used before."""

reached: ContextVar[bool] = ContextVar("reached", default=False)
"""Whether this task's last request got a connection at all."""

_RESOLVING_THREADS = 4


class Connector(aiohttp.TCPConnector):
    """Knows of each connection whether it was used before: only then can it have been closed while nobody looked.

    With a guard, a connection counts only if the address it really goes to is one that the guard permits.
    """

    def __init__(self, *, guard: AddressGuard | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        was_used.set(True)
        connection = await super().connect(req, traces, timeout)
        if self._guard is not None and not self._guard.permits(_peer_of(connection)):
            connection.close()
            was_used.set(False)
            raise aiohttp.ClientConnectionError("the address is not permitted")
        reached.set(True)
        return connection

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> ResponseHandler:
        """What `connect` calls, in the same task, when it has none at hand."""
        was_used.set(False)
        return await super()._create_connection(req, traces, timeout)


class GuardedResolver(AbstractResolver):
    """Names to addresses that the guard permits. One that it does not permits none of the others either: a name that
    stands for a public and a private address is nobody's honest endpoint.

    In threads of its own, so that name servers that do not answer hold up nothing else.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._threads = ThreadPoolExecutor(_RESOLVING_THREADS, thread_name_prefix="guarded-resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port, family)
        if not found or not all(self._guard.permits(result["host"]) for result in found):
            raise OSError(f"{host} has no address that is permitted")
        return found

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return [
        ResolveResult(
            hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST
        )
        for kind, _, proto, _, address in found
    ]


def _peer_of(connection: Connection) -> str:
    peer = connection.transport.get_extra_info("peername") if connection.transport else None
    return str(peer[0]) if peer else ""
