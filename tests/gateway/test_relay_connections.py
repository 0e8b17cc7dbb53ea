"""The connections of the relay: kept when they can be, replaced when they were dead, and never waited for in vain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from inference.domain import Wire
from inference.providers.relay import Relay, RelayLimits
from inference.providers.upstream import Failure, FailureKind, Patience, Target
from inference.wire.sse import DONE
from tests.gateway.raw_provider import (
    ANSWER,
    GOOD_STREAM,
    RawProvider,
    Reply,
    hang_up,
    raw_provider,
    reset,
    stream,
    whole,
)


@pytest.fixture
def raw() -> Iterator[RawProvider]:
    with raw_provider() as provider:
        yield provider


@asynccontextmanager
async def relaying(*, pool_size: int = 10, connect: float = 2.0) -> AsyncIterator[Relay]:
    relay = Relay(RelayLimits(Patience(connect, 5.0, 5.0), longest=30.0, max_answer_bytes=10**6, pool_size=pool_size))
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


def _target(raw: RawProvider) -> Target:
    return Target("raw", Wire.CHAT, raw.url, (("content-type", "application/json"),), simulated=False)


async def _read_to_the_last_event(relay: Relay, raw: RawProvider) -> None:
    """As the executor does: nothing is read after the last event."""
    seen = b""
    async with relay.stream(_target(raw), b"{}") as opened:
        assert not isinstance(opened, Failure)
        while not seen.endswith(DONE):
            seen += await opened.read()


def test_streams_that_end_share_one_connection(raw: RawProvider) -> None:
    raw.answers(stream(*GOOD_STREAM))

    async def go() -> None:
        async with relaying() as relay:
            for _ in range(6):
                await _read_to_the_last_event(relay, raw)
                await asyncio.sleep(0.05)

    asyncio.run(go())
    assert (len(raw.seen), raw.connections) == (6, 1)


def test_the_last_event_of_a_stream_does_not_wait_for_the_end_of_the_body(raw: RawProvider) -> None:
    raw.answers(stream(*GOOD_STREAM, b": and now nothing\n\n", gap=0.3))

    async def go() -> float:
        async with relaying() as relay:
            async with relay.stream(_target(raw), b"{}") as opened:
                assert not isinstance(opened, Failure)
                seen = b""
                while not seen.endswith(DONE):
                    seen += await opened.read()
                read_at = time.monotonic()
            return time.monotonic() - read_at

    assert asyncio.run(go()) < 0.1


def test_a_stream_that_never_ends_as_a_body_loses_its_connection(raw: RawProvider) -> None:
    gone = asyncio.Event()

    async def goes_on(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(DONE), DONE))
        try:
            while True:
                writer.write(b"9\r\n: still\n\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            gone.set()
            raise

    raw.answers(goes_on)

    async def go() -> None:
        async with relaying() as relay:
            async with relay.stream(_target(raw), b"{}") as opened:
                assert not isinstance(opened, Failure)
                await opened.read()
            deadline = time.monotonic() + 3
            while not gone.is_set():
                assert time.monotonic() < deadline, "the provider went on talking"
                await asyncio.sleep(0.02)

    asyncio.run(go())


async def _complete_twice(raw: RawProvider) -> bytes | Failure:
    async with relaying() as relay:
        first = await relay.complete(_target(raw), b"{}")
        assert not isinstance(first, Failure)
        return await relay.complete(_target(raw), b"{}")


@pytest.mark.parametrize("breaking", [hang_up, reset])
def test_a_kept_connection_that_was_dead_is_replaced(raw: RawProvider, breaking: Reply) -> None:
    raw.answers(whole(), breaking, whole())
    answer = asyncio.run(_complete_twice(raw))
    assert not isinstance(answer, Failure), answer
    assert b"hello there" in answer
    assert raw.connections == 2


@pytest.mark.parametrize("breaking", [hang_up, reset])
def test_a_request_that_a_provider_took_and_dropped_is_not_sent_again(raw: RawProvider, breaking: Reply) -> None:
    raw.answers(breaking, whole())

    async def go() -> bytes | Failure:
        async with relaying() as relay:
            return await relay.complete(_target(raw), b"{}")

    failure = asyncio.run(go())
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.permanent) == (FailureKind.BROKEN, True)
    assert len(raw.seen) == 1


def test_a_kept_connection_that_breaks_after_a_while_had_been_at_work(raw: RawProvider) -> None:
    async def works_then_breaks(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.2)
        await reset(writer)

    raw.answers(whole(), works_then_breaks, whole())
    failure = asyncio.run(_complete_twice(raw))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BROKEN
    assert len(raw.seen) == 2


def test_connections_that_are_all_dead_are_not_tried_without_end(raw: RawProvider) -> None:
    raw.answers(*[whole()] * 8, hang_up)

    async def together(call: Callable[[], Awaitable[bytes | Failure]]) -> list[bytes | Failure]:
        return list(await asyncio.gather(*(call() for _ in range(8))))

    async def go() -> bytes | Failure:
        async with relaying() as relay:
            await together(lambda: relay.complete(_target(raw), b"{}"))
            return await relay.complete(_target(raw), b"{}")

    failure = asyncio.run(go())
    assert isinstance(failure, Failure)
    assert len(raw.seen) <= 8 + 3


def test_a_place_in_a_full_pool_is_waited_for_no_longer_than_a_connection(raw: RawProvider) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)
        await whole(ANSWER)(writer)

    raw.answers(slow)

    async def go() -> tuple[bytes | Failure, float]:
        async with relaying(pool_size=1, connect=0.3) as relay:
            first = asyncio.create_task(relay.complete(_target(raw), b"{}"))
            await asyncio.sleep(0.1)
            asked_at = time.monotonic()
            second = await relay.complete(_target(raw), b"{}")
            waited = time.monotonic() - asked_at
            assert not isinstance(await first, Failure)
            return second, waited

    second, waited = asyncio.run(go())
    assert isinstance(second, Failure)
    assert second.kind is FailureKind.UNREACHABLE
    assert waited < 1
