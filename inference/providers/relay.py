"""The hot relay: one pooled aiohttp session per process, answers relayed as bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from governance.addresses import AddressGuard
from inference.providers.connections import Connector, GuardedResolver, reached, was_used
from inference.providers.retry_after import seconds_to_wait
from inference.providers.upstream import (
    Failure,
    FailureKind,
    Headers,
    OpenStream,
    Patience,
    Target,
    UpstreamBroken,
    failure_of_status,
)

_MAX_ERROR_BYTES = 64 * 1024
_GUARDED_POOL_SHARE = 4
"""Organizations' own endpoints may take a quarter as many connections as the providers, and a slow one not all."""
_CONTENT_ENCODING = "content-encoding"
_MOST_URLS = 10_000
_STALE_WITHIN_SECONDS = 1.0
"""A connection that had been closed while idle breaks at once; one that breaks later had been answering, perhaps."""
_TRIES = 3
_LINGER_SECONDS = 0.5
"""How long a stream that was read to its last event may take to end as HTTP, so that its connection can be kept."""


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """What a provider is given: seconds, also for the longest answer as a whole, and bytes. The patience for a
    connection includes the wait for a place in the pool."""

    patience: Patience
    longest: float
    max_answer_bytes: int
    pool_size: int


class Relay:
    """Speaks HTTP to providers. Must be started inside the loop that uses it, and stopped."""

    def __init__(self, limits: RelayLimits, guard: AddressGuard | None = None) -> None:
        self._limits = limits
        self._guard = guard or AddressGuard()
        self._session: aiohttp.ClientSession | None = None
        self._guarded: aiohttp.ClientSession | None = None
        """For addresses that organizations name: it connects to none that the guard does not permit."""
        self._timeouts: dict[Patience, aiohttp.ClientTimeout] = {}
        self._urls: dict[str, URL] = {}
        self._ending: set[aiohttp.ClientResponse] = set()
        """Streams whose last event was read, until they end as HTTP."""

    async def start(self) -> None:
        size, resolver = self._limits.pool_size, GuardedResolver(self._guard)
        guarded_size = max(size // _GUARDED_POOL_SHARE, 1)
        self._session = self._new_session(Connector(limit=size, ttl_dns_cache=60, keepalive_timeout=30))
        self._guarded = self._new_session(
            Connector(
                guard=self._guard,
                resolver=resolver,
                limit=guarded_size,
                limit_per_host=max(guarded_size // _GUARDED_POOL_SHARE, 1),
                ttl_dns_cache=10,
                keepalive_timeout=30,
            )
        )

    def _new_session(self, connector: Connector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            timeout=_client_timeout(self._limits.patience),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            trust_env=False,
        )

    async def stop(self) -> None:
        for response in tuple(self._ending):
            response.close()
        for session in (self._session, self._guarded):
            if session is not None:
                await session.close()

    def reached(self) -> bool:
        return reached.get()

    async def complete(self, target: Target, body: bytes, headers: Headers = ()) -> bytes | Failure:
        response = await self._open(target, body, headers)
        if isinstance(response, Failure):
            return response
        try:
            async with response:
                if response.status != 200:
                    return await _failure_of(response)
                return await self._read_whole(response, target.patience)
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
                self._expect_more(response, target.patience)
                yield _Stream(response, self._limits)
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
            reached.set(False)
            try:
                response = await self._post(target, body, headers)
            except (aiohttp.ClientError, TimeoutError) as error:
                was_dead = _is_broken_connection(error) and was_used.get()
                if not was_dead or time.monotonic() - sent_at > _STALE_WITHIN_SECONDS:
                    return _failure_from(error)
                if not tries_left:
                    break
            else:
                if _CONTENT_ENCODING not in response.headers or response.status != 200:
                    return response
                response.close()  # it was not asked for, and would grow without a limit where it is unpacked
                return Failure(FailureKind.BROKEN, "the provider's answer is compressed, which was not asked for")
        return Failure(FailureKind.UNREACHABLE, "the provider closed the connection before answering")

    def _post(self, target: Target, body: bytes, headers: Headers) -> aiohttp.client._RequestContextManager:
        session = self._guarded if target.guarded else self._session
        assert session is not None, "the relay was not started"
        all_headers = (*target.headers, *headers) if headers else target.headers
        if target.patience is None:
            return session.post(self._url(target), data=body, headers=all_headers, allow_redirects=False)
        return session.post(
            self._url(target),
            data=body,
            headers=all_headers,
            allow_redirects=False,
            timeout=self._timeout(target.patience),
        )

    def _url(self, target: Target) -> URL:
        url = self._urls.get(target.url)
        if url is None:
            if len(self._urls) >= _MOST_URLS:
                self._urls.clear()
            url = self._urls[target.url] = URL(target.url)
        return url

    def _timeout(self, patience: Patience) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get(patience)
        if timeout is None:
            timeout = self._timeouts[patience] = _client_timeout(patience)
        return timeout

    def _expect_more(self, response: aiohttp.ClientResponse, patience: Patience | None) -> None:
        """From its second piece on, an answer may pause for less long than it took to begin."""
        connection = response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = (patience or self._limits.patience).idle

    async def _read_whole(self, response: aiohttp.ClientResponse, patience: Patience | None) -> bytes:
        declared, limit = response.content_length, self._limits.max_answer_bytes
        if declared is not None and declared > limit:
            raise UpstreamBroken(f"the provider's answer is larger than {limit} bytes")
        self._expect_more(response, patience)
        stream = _Stream(response, self._limits)
        first = await stream.read()
        if response.content.at_eof():
            return first
        parts = [first]
        while part := await stream.read():
            parts.append(part)
        return b"".join(parts)


class _Stream:
    def __init__(self, response: aiohttp.ClientResponse, limits: RelayLimits) -> None:
        self._content = response.content
        self._max_bytes = limits.max_answer_bytes
        self._ends_by = time.monotonic() + limits.longest
        self._size = 0

    async def read(self) -> bytes:
        if time.monotonic() > self._ends_by:
            raise UpstreamBroken("the provider's answer does not come to an end")
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
        compressed = _CONTENT_ENCODING in response.headers  # which nobody could read
        body = b"" if compressed else await response.content.read(_MAX_ERROR_BYTES)
    except (aiohttp.ClientError, TimeoutError):
        body = b""
    return failure_of_status(response.status, body=body, retry_after=seconds_to_wait(response.headers))


def _failure_from(error: aiohttp.ClientError | TimeoutError) -> Failure:
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Failure(FailureKind.UNREACHABLE, "no connection to the provider could be had")
    if isinstance(error, TimeoutError):
        return Failure(FailureKind.TIMED_OUT, "the provider did not answer in time")
    if _is_broken_connection(error):
        return Failure(FailureKind.BROKEN, "the provider closed the connection before it had answered")
    return Failure(FailureKind.BROKEN, f"the provider's answer broke: {type(error).__name__}")


def _client_timeout(patience: Patience) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None, connect=patience.connect, sock_connect=patience.connect, sock_read=patience.first_byte
    )


def _is_broken_connection(error: Exception) -> bool:
    """One that was there and is no more."""
    broken = isinstance(error, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError)
    return broken and not isinstance(error, aiohttp.ClientConnectorError)
