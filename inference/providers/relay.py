"""The hot relay: one pooled aiohttp session per process, answers relayed as bytes. The only client of aiohttp."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from inference.providers.upstream import (
    Failure,
    FailureKind,
    Headers,
    OpenStream,
    Target,
    UpstreamBroken,
    failure_of_status,
)

_MAX_ERROR_BYTES = 64 * 1024
_READ_SIZE = 64 * 1024
_STALE_WITHIN_SECONDS = 1.0
"""A connection that had been closed while idle breaks at once; one that breaks later had been answering, perhaps."""
_TRIES = 3
_LINGER_SECONDS = 0.5
"""How long a stream that was read to its last event may take to end as HTTP, so that its connection can be kept."""

_was_used: ContextVar[bool] = ContextVar("_was_used", default=False)
"""Whether the connection of this task's last request had been used before."""

_reached: ContextVar[bool] = ContextVar("_reached", default=False)
"""Whether this task's last request got a connection at all."""


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Seconds and bytes a provider is given. `connect` includes the wait for a place in the pool; `silence` bounds the
    wait for the first byte and for each one after it."""

    connect: float
    silence: float
    max_answer_bytes: int
    pool_size: int


class _Connector(aiohttp.TCPConnector):
    """Knows of each connection whether it was used before: only then can it have been closed while nobody looked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._known: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        assert protocol is not None, "a connection that was just given"
        _was_used.set(protocol in self._known)
        self._known.add(protocol)
        _reached.set(True)
        return connection


class Relay:
    """Speaks HTTP to providers. Must be started inside the loop that uses it, and stopped."""

    def __init__(self, limits: RelayLimits) -> None:
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}
        self._ending: set[aiohttp.ClientResponse] = set()
        """Streams whose last event was read, until they end as HTTP."""

    async def start(self) -> None:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=_Connector(limit=limits.pool_size, ttl_dns_cache=60, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(
                total=None, connect=limits.connect, sock_connect=limits.connect, sock_read=limits.silence
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            trust_env=False,
        )

    async def stop(self) -> None:
        for response in tuple(self._ending):
            response.close()
        if self._session is not None:
            await self._session.close()

    def reached(self) -> bool:
        return _reached.get()

    async def complete(self, target: Target, body: bytes, headers: Headers = ()) -> bytes | Failure:
        response = await self._open(target, body, headers)
        if isinstance(response, Failure):
            return response
        try:
            async with response:
                if response.status != 200:
                    return await _failure_of(response)
                return await self._read_whole(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            return _failure_from(error)
        except UpstreamBroken as error:
            return Failure(FailureKind.BROKEN, str(error))

    @asynccontextmanager
    async def stream(self, target: Target, body: bytes, headers: Headers = ()) -> AsyncIterator[OpenStream | Failure]:
        response = await self._open(target, body, headers)
        if isinstance(response, Failure):
            yield response
            return
        try:
            if response.status != 200:
                yield await _failure_of(response)
            else:
                yield _Stream(response, self._limits.max_answer_bytes)
        except BaseException:
            response.close()  # the stream was left half-way: the provider must stop
            raise
        self._let_go(response)

    def _let_go(self, response: aiohttp.ClientResponse) -> None:
        """Closes the connection unless the answer ends soon: then aiohttp has kept it for another call."""

        def close() -> None:
            self._ending.discard(response)
            response.close()

        def ended() -> None:
            self._ending.discard(response)
            timer.cancel()

        self._ending.add(response)
        timer = asyncio.get_running_loop().call_later(_LINGER_SECONDS, close)
        response.content.on_eof(ended)

    async def _open(self, target: Target, body: bytes, headers: Headers) -> aiohttp.ClientResponse | Failure:
        """Send, and wait for the head of the answer. Only a connection that had been dead is replaced."""
        for tries_left in reversed(range(_TRIES)):
            sent_at = time.monotonic()
            _reached.set(False)
            try:
                return await self._post(target, body, headers)
            except (aiohttp.ClientError, TimeoutError) as error:
                was_dead = _is_broken_connection(error) and _was_used.get()
                if not was_dead or time.monotonic() - sent_at > _STALE_WITHIN_SECONDS:
                    return _failure_from(error)
                if not tries_left:
                    break
        return Failure(FailureKind.UNREACHABLE, "the provider closed the connection before answering")

    def _post(self, target: Target, body: bytes, headers: Headers) -> aiohttp.client._RequestContextManager:
        assert self._session is not None, "the relay was not started"
        url = self._urls.get(target.url)
        if url is None:
            url = self._urls[target.url] = URL(target.url)
        return self._session.post(
            url, data=body, headers=(*target.headers, *headers) if headers else target.headers, allow_redirects=False
        )

    async def _read_whole(self, response: aiohttp.ClientResponse) -> bytes:
        limit = self._limits.max_answer_bytes
        if response.content_length is not None and response.content_length <= limit:
            return await response.read()
        parts, size = [], 0
        async for part in response.content.iter_chunked(_READ_SIZE):
            size += len(part)
            if size > limit:
                raise UpstreamBroken(f"the provider's answer is larger than {limit} bytes")
            parts.append(part)
        return b"".join(parts)


class _Stream:
    def __init__(self, response: aiohttp.ClientResponse, max_bytes: int) -> None:
        self._content = response.content
        self._max_bytes = max_bytes
        self._size = 0

    async def read(self) -> bytes:
        try:
            data = await self._content.readany()
        except (aiohttp.ClientError, TimeoutError) as error:
            # The reader forgets what had arrived before the failure; it was answered and has to be paid for.
            data = self._content._read_nowait(-1)
            if not data:
                raise UpstreamBroken(f"the provider's stream broke: {type(error).__name__}") from error
        self._size += len(data)
        if self._size > self._max_bytes:
            raise UpstreamBroken(f"the provider's answer is larger than {self._max_bytes} bytes")
        return data


async def _failure_of(response: aiohttp.ClientResponse) -> Failure:
    """Reads a bounded piece of an error answer and says what kind of failure it is."""
    try:
        body = await response.content.read(_MAX_ERROR_BYTES)
    except (aiohttp.ClientError, TimeoutError):
        body = b""
    return failure_of_status(response.status, body=body, retry_after=_retry_after(response))


def _failure_from(error: aiohttp.ClientError | TimeoutError) -> Failure:
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Failure(FailureKind.UNREACHABLE, "no connection to the provider could be had")
    if isinstance(error, TimeoutError):
        return Failure(FailureKind.TIMED_OUT, "the provider did not answer in time")
    if _is_broken_connection(error):
        return Failure(FailureKind.BROKEN, "the provider closed the connection before it had answered")
    return Failure(FailureKind.BROKEN, f"the provider's answer broke: {type(error).__name__}")


def _is_broken_connection(error: Exception) -> bool:
    """One that was there and is no more."""
    broken = isinstance(error, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError)
    return broken and not isinstance(error, aiohttp.ClientConnectorError)


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds, as the provider asks for them; a date or nonsense counts as not given."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 3600 else None
