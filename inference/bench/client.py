"""Our own load client, for what a load tool cannot do (exact open-loop schedules, streams) or when none is found."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

import httptools

from inference.bench import wire
from inference.bench.target import LoadResult, Target, percentile

GRACE_SECONDS = 30.0
_MAX_FAILURES = 200


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answered request; times are the event loop's."""

    status: int
    first_byte_at: float
    done_at: float
    body: bytes
    headers: dict[bytes, bytes]


class Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection, one request at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Exchange] | None = None
        self.on_message_begin()

    @classmethod
    async def open(cls, port: int) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def exchange(self, request: bytes) -> Exchange:
        self._answer = self._loop.create_future()
        if self._transport.is_closing():
            raise ConnectionResetError("the server closed the connection")
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    # What httptools calls while it parses.
    def on_message_begin(self) -> None:
        self._first_byte_at = 0.0
        self._parts: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        if not self._parts:
            self._first_byte_at = self._loop.time()
        self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            status = self._parser.get_status_code()
            now = self._loop.time()
            body = b"".join(self._parts)
            self._answer.set_result(Exchange(status, self._first_byte_at or now, now, body, self._headers))


@dataclass(slots=True)
class _Tally:
    """Counts answers and failures while a round runs."""

    latencies_ms: list[float] = field(default_factory=list)
    failed: int = 0
    failure: str = ""

    def fail(self, reason: str) -> None:
        self.failed += 1
        self.failure = self.failure or reason

    def result(self, seconds: float) -> LoadResult:
        values = sorted(self.latencies_ms)
        p50, p95, p99 = (percentile(values, share) for share in (0.50, 0.95, 0.99))
        return LoadResult(len(values), self.failed, seconds, p50, p95, p99, self.failure)


Check = Callable[[Exchange], str]
"""Says what is wrong with an answer, or nothing."""


def check_status(exchange: Exchange) -> str:
    """An answer is right when it is a 200."""
    return "" if exchange.status == 200 else f"status {exchange.status}: {exchange.body[:200].decode(errors='replace')}"


def check_stream(exchange: Exchange) -> str:
    """A stream is right when it is a 200, complete, and ends as the wire says."""
    if exchange.status != 200:
        return check_status(exchange)
    events = exchange.body.count(b"data: ")
    if events < wire.STREAM_CHUNKS or b"data: [DONE]" not in exchange.body[-64:]:
        return f"a stream ended after {events} events"
    return ""


async def _attempt(connection: Connection, request: bytes, check: Check, tally: _Tally) -> Exchange | None:
    """One exchange; a failure is counted, never raised."""
    try:
        exchange = await connection.exchange(request)
    except (OSError, httptools.HttpParserError) as error:
        tally.fail(f"{type(error).__name__}: {error}")
        return None
    if wrong := check(exchange):
        tally.fail(wrong)
        return None
    return exchange


async def send_one(target: Target, body: bytes) -> Exchange:
    """One request on a connection of its own."""
    connection = await Connection.open(target.port)
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            return await connection.exchange(target.request(body))
    finally:
        connection.close()


async def in_turn(target: Target, bodies: Iterable[bytes]) -> list[tuple[float, Exchange]]:
    """One request after the other on one connection, each with the milliseconds that it took."""
    connection, loop = await Connection.open(target.port), asyncio.get_running_loop()
    answers = []
    try:
        for body in bodies:
            sent_at = loop.time()
            async with asyncio.timeout(GRACE_SECONDS):
                exchange = await connection.exchange(target.request(body))
            answers.append(((exchange.done_at - sent_at) * 1000, exchange))
    finally:
        connection.close()
    return answers


async def closed_loop(target: Target, bodies: Iterator[bytes], connections: int, seconds: float) -> LoadResult:
    """Keep every connection busy: the next request leaves when the answer to the last has come."""
    tally = _Tally()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds

    async def keep_asking(connection: Connection) -> None:
        while (sent_at := loop.time()) < deadline and tally.failed < _MAX_FAILURES:
            exchange = await _attempt(connection, target.request(next(bodies)), check_status, tally)
            if exchange is not None:
                tally.latencies_ms.append((exchange.done_at - sent_at) * 1000)

    return await _run_workers(target, connections, seconds, tally, keep_asking)


async def streams(target: Target, bodies: Iterator[bytes], count: int, seconds: float) -> LoadResult:
    """Keep `count` streams open, each read to its end; the latency of a stream is the time to its first byte."""
    tally = _Tally()
    loop = asyncio.get_running_loop()
    started = loop.time()
    offsets = iter(range(count))

    async def keep_streaming(connection: Connection) -> None:
        await asyncio.sleep(next(offsets) / count)  # a stream lasts a second: spread them over it
        while (sent_at := loop.time()) < started + seconds and tally.failed < _MAX_FAILURES:
            exchange = await _attempt(connection, target.request(next(bodies)), check_stream, tally)
            if exchange is not None:
                tally.latencies_ms.append((exchange.first_byte_at - sent_at) * 1000)

    return await _run_workers(target, count, seconds, tally, keep_streaming)


async def _run_workers(
    target: Target, count: int, seconds: float, tally: _Tally, work: Callable[[Connection], Awaitable[None]]
) -> LoadResult:
    """Run `work` on every connection and measure how long it took; bounded even when the server hangs."""
    loop = asyncio.get_running_loop()
    connections = [await Connection.open(target.port) for _ in range(count)]
    started = loop.time()
    try:
        async with asyncio.timeout(seconds + GRACE_SECONDS):
            await asyncio.gather(*(work(connection) for connection in connections))
    except TimeoutError:
        tally.fail(f"no answer within {GRACE_SECONDS:.0f} s")
    finally:
        for connection in connections:
            connection.close()
    return tally.result(loop.time() - started)


async def open_loop(
    target: Target, bodies: Iterator[bytes], rate: float, seconds: float, max_connections: int = 400
) -> LoadResult:
    """Send at a fixed rate whatever comes back. A latency counts from when the request was due, so that a stalled
    server is charged for every request that it made wait (no coordinated omission)."""
    tally = _Tally()
    loop = asyncio.get_running_loop()
    idle = deque([await Connection.open(target.port) for _ in range(max_connections)])
    free = asyncio.Semaphore(max_connections)

    async def ask(due: float, request: bytes) -> None:
        async with free:
            connection = idle.pop()
            exchange = await _attempt(connection, request, check_status, tally)
            idle.append(connection)
        if exchange is not None:
            tally.latencies_ms.append((exchange.done_at - due) * 1000)

    started = loop.time() + 0.05
    asks: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(seconds + GRACE_SECONDS):
            for number in range(int(rate * seconds)):
                due = started + number / rate
                request = target.request(next(bodies))
                await asyncio.sleep(due - loop.time())
                asks.append(asyncio.create_task(ask(due, request)))
            await asyncio.gather(*asks)
    except TimeoutError:
        tally.fail(f"no answer within {GRACE_SECONDS:.0f} s")
    finally:
        for connection in idle:
            connection.close()
    return tally.result(loop.time() - started)
