"""The hot path's Redis connection: one socket per process, commands of concurrent requests pipelined onto it.

redis-py costs about 90 µs of CPU per pipeline and, with its default retries, 4 to 20 s when the server is gone. This
client writes packed commands, matches replies in order, and gives up on a frozen server within `timeout` once; after
that every call fails at once with `RedisAway` until a background probe has the connection back.
Everything that is not on the hot path uses redis-py.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import hiredis

log = logging.getLogger(__name__)

Reply = Any  # bytes, int, None, list of these, or hiredis.ReplyError as a value
Command = bytes

_RECONNECT_DELAYS = (0.05, 0.1, 0.25, 0.5, 1.0)
_CONNECT_TIMEOUT = 2.0


class RedisAway(Exception):  # noqa: N818 - a state of the world, named as the callers' except clauses read
    """Redis cannot be reached, or did not answer in time. What was sent may or may not have been executed."""


def pack(*words: str | bytes | int) -> Command:
    """One command in Redis's wire format."""
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub names a one-element tuple
    return packed


@dataclass(slots=True, eq=False)
class _Waiter:
    future: asyncio.Future[list[Reply]]
    expected: int
    sent_at: float
    replies: list[Reply] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a `redis://` or `rediss://` URL points."""

    host: str
    port: int
    username: str
    password: str
    database: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> RedisAddress:
        parts = urlsplit(url)
        if parts.scheme not in {"redis", "rediss", "valkey", "valkeys"}:
            raise ValueError(f"not a Redis URL: scheme {parts.scheme!r}")
        return cls(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 6379,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=int(parts.path.strip("/") or 0),
            tls=parts.scheme in {"rediss", "valkeys"},
        )

    def greeting(self) -> list[Command]:
        """The commands that authenticate a fresh connection and select its database."""
        commands = []
        if self.password:
            credentials = (self.username, self.password) if self.username else (self.password,)
            commands.append(pack("AUTH", *credentials))
        if self.database:
            commands.append(pack("SELECT", self.database))
        return [*commands, pack("PING")]


class _Connection(asyncio.Protocol):
    """One socket: writes what a tick gathered in one go, hands replies to their waiters in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        self.loop = loop
        self.timeout = timeout
        self.reader = hiredis.Reader()
        self.waiters: deque[_Waiter] = deque()
        self.unsent: list[Command] = []
        self.transport: asyncio.Transport | None = None
        self.closed: asyncio.Future[None] = loop.create_future()
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(RedisAway(f"connection lost: {exc or 'closed by the server'}"))

    def data_received(self, data: bytes) -> None:
        self.reader.feed(data)
        waiters = self.waiters
        while waiters:
            reply = self.reader.gets()
            if reply is False:
                return
            waiter = waiters[0]
            waiter.replies.append(reply)
            if len(waiter.replies) == waiter.expected:
                waiters.popleft()
                if not waiter.future.done():
                    waiter.future.set_result(waiter.replies)

    def submit(self, commands: Sequence[Command]) -> asyncio.Future[list[Reply]]:
        future: asyncio.Future[list[Reply]] = self.loop.create_future()
        self.waiters.append(_Waiter(future, len(commands), time.monotonic()))
        if self._watch is None:
            self._watch = self.loop.call_later(self.timeout / 2, self._check_oldest)
        if not self.unsent:
            self.loop.call_soon(self._flush)
        self.unsent.extend(commands)
        return future

    def allow(self, timeout: float) -> None:
        """From now on give up after `timeout`; a watch that was set for another is no use."""
        self.timeout = timeout
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _flush(self) -> None:
        if self.transport is not None and self.unsent and not self.closed.done():
            self.transport.write(b"".join(self.unsent))
        self.unsent.clear()

    def _check_oldest(self, overdue: _Waiter | None = None) -> None:
        """Give up when the oldest command has waited longer than `timeout`. Runs only while something waits.

        The age must be seen twice with a turn of the loop between: after a stall of this process itself the reply
        is already in the socket's buffer, and one turn reads it.
        """
        if not self.waiters or self.closed.done():
            self._watch = None
            return
        oldest = self.waiters[0]
        remaining = oldest.sent_at + self.timeout - time.monotonic()
        if remaining > 0:
            self._watch = self.loop.call_later(remaining, self._check_oldest)
        elif oldest is overdue:
            self.fail(RedisAway(f"no answer within {self.timeout * 1000:.0f} ms"))
        else:
            self._watch = self.loop.call_later(0.001, self._check_oldest, oldest)

    def fail(self, error: RedisAway) -> None:
        """Fail everybody who still waits and close the socket. Harmless when repeated."""
        waiters, self.waiters = self.waiters, deque()
        for waiter in waiters:
            if not waiter.future.done():
                waiter.future.set_exception(error)
        if self.transport is not None:
            self.transport.abort()
        if not self.closed.done():
            self.closed.set_result(None)


class RedisPipe:
    """Pipelined commands over one self-healing connection. `available` is False while Redis is away."""

    def __init__(self, url: str, *, preload: Sequence[Command] = (), timeout: float = 0.05) -> None:
        """`preload` is sent on every new connection: the scripts, which a restarted server has forgotten."""
        self._address = RedisAddress.parse(url)
        self.preload = tuple(preload)
        self._timeout = timeout
        self._connection: _Connection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.losses = 0

    @property
    def available(self) -> bool:
        return self._connection is not None and not self._connection.closed.done()

    def submit(self, *commands: Command) -> asyncio.Future[list[Reply]]:
        """Send commands now; the future holds one reply per command. A server-side error is a reply, not an exception.

        Fails with `RedisAway`, at once while the breaker is open.
        """
        connection = self._connection
        if connection is None or connection.closed.done():
            return _failed(RedisAway("Redis is away"))
        return connection.submit(commands)

    def newest(self) -> asyncio.Future[list[Reply]] | None:
        """The future of what was sent last. Replies come in order: with it, all that was sent before is answered too.
        None when everything is."""
        connection = self._connection
        if connection is None or connection.closed.done():
            return _failed(RedisAway("Redis is away"))
        return connection.waiters[-1].future if connection.waiters else None

    async def start(self) -> None:
        """Connect, or begin trying to. Returns after the first attempt either way: Redis gone is degraded service."""
        try:
            self._connection = await self._connect()
        except (OSError, RedisAway, TimeoutError) as error:
            log.error("redis.away", extra={"error": str(error)})
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._connection is not None:
            self._connection.fail(RedisAway("shutting down"))
            self._connection = None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        address = self._address
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            _, connection = await loop.create_connection(
                lambda: _Connection(loop, _CONNECT_TIMEOUT),
                address.host,
                address.port,
                ssl=ssl.create_default_context() if address.tls else None,
            )
            try:
                replies = await connection.submit([*address.greeting(), *self.preload])
            except BaseException:
                connection.fail(RedisAway("greeting interrupted"))
                raise
        problem = next((reply for reply in replies if isinstance(reply, hiredis.ReplyError)), None)
        if problem is not None:
            connection.fail(RedisAway("greeting refused"))
            raise RedisAway(f"Redis refused the connection: {problem}")
        connection.allow(self._timeout)
        return connection

    async def _keep(self) -> None:
        """When the connection is lost, or failed by its own watch, reconnect until it is back."""
        while True:
            if self._connection is not None:
                await self._connection.closed
                self._connection = None
                self.losses += 1
                log.error("redis.away", extra={"losses": self.losses})
            await self._reconnect()

    async def _reconnect(self) -> None:
        attempt = 0
        while self._connection is None:
            await asyncio.sleep(_RECONNECT_DELAYS[min(attempt, len(_RECONNECT_DELAYS) - 1)])
            attempt += 1
            try:
                self._connection = await self._connect()
            except (OSError, RedisAway, TimeoutError):
                continue
            log.warning("redis.back", extra={"attempts": attempt})


def _failed(error: Exception) -> asyncio.Future[list[Reply]]:
    future: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future
