"""The hot relay: one pooled aiohttp session per process, answers relayed as bytes. The only client of aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from inference.providers.upstream import Failure, FailureKind, Headers, OpenStream, Target, UpstreamBroken

_MAX_ERROR_BYTES = 64 * 1024
_READ_SIZE = 64 * 1024
_OVERLOADED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_MISCONFIGURED = frozenset({401, 402, 403})


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Seconds and bytes a provider is given. `silence` bounds the wait for the first byte and for each one after it."""

    connect: float
    silence: float
    max_answer_bytes: int
    pool_size: int


class Relay:
    """Speaks HTTP to providers. Must be started inside the loop that uses it, and stopped."""

    def __init__(self, limits: RelayLimits) -> None:
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}

    async def start(self) -> None:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limits.pool_size, ttl_dns_cache=60, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect, sock_read=limits.silence),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            trust_env=False,
        )

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def complete(self, target: Target, body: bytes, headers: Headers = ()) -> bytes | Failure:
        try:
            async with self._post(target, body, headers) as response:
                if response.status != 200:
                    return await _failure_of(response)
                return await self._read_whole(response)
        except aiohttp.ClientError as error:
            return _failure_from(error)
        except TimeoutError:
            return Failure(FailureKind.TIMED_OUT, "the provider did not answer in time")
        except UpstreamBroken as error:
            return Failure(FailureKind.BROKEN, str(error))

    @asynccontextmanager
    async def stream(self, target: Target, body: bytes, headers: Headers = ()) -> AsyncIterator[OpenStream | Failure]:
        try:
            response = await self._post(target, body, headers)
        except aiohttp.ClientError as error:
            yield _failure_from(error)
            return
        except TimeoutError:
            yield Failure(FailureKind.TIMED_OUT, "the provider did not answer in time")
            return
        try:
            if response.status != 200:
                yield await _failure_of(response)
            else:
                yield _Stream(response, self._limits.max_answer_bytes)
        finally:
            response.close()  # also when the stream was left half-way: the provider must stop

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
    status = response.status
    message = f"the provider answered {status}"
    if status in _OVERLOADED:
        return Failure(FailureKind.OVERLOADED, message, status, body, _retry_after(response))
    if status in _MISCONFIGURED:
        return Failure(FailureKind.MISCONFIGURED, message, status)
    if 400 <= status < 500:
        return Failure(FailureKind.REJECTED, message, status, body)
    return Failure(FailureKind.BROKEN, message, status)


def _failure_from(error: aiohttp.ClientError) -> Failure:
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Failure(FailureKind.UNREACHABLE, "the provider cannot be reached")
    if isinstance(error, TimeoutError):
        return Failure(FailureKind.TIMED_OUT, "the provider did not answer in time")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Failure(FailureKind.UNREACHABLE, "the provider closed the connection before answering")
    return Failure(FailureKind.BROKEN, f"the provider's answer broke: {type(error).__name__}")


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds, as the provider asks for them; a date or nonsense counts as not given."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 3600 else None
