"""What a provider can do to the relay: take its time, send too much, send us elsewhere. All of it has an end."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from inference.domain import Wire
from inference.providers.relay import Relay, RelayLimits
from inference.providers.upstream import Failure, FailureKind, Patience, Target, UpstreamBroken
from tests.gateway.raw_provider import RawProvider, Reply, chunk, raw_provider, stream, whole

LIMIT = 2_000_000
QUICK = Patience(connect=1.0, first_byte=0.4, idle=0.15)


@pytest.fixture
def raw() -> Iterator[RawProvider]:
    with raw_provider() as provider:
        yield provider


@asynccontextmanager
async def relaying(patience: Patience = QUICK, longest: float = 30.0) -> AsyncIterator[Relay]:
    relay = Relay(RelayLimits(patience, longest=longest, max_answer_bytes=LIMIT, pool_size=10))
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


def target(raw: RawProvider, **fields: object) -> Target:
    usual = Target("raw", Wire.CHAT, raw.url, (("content-type", "application/json"),), simulated=False)
    return replace(usual, **fields)  # type: ignore[arg-type]


def answering(head: bytes, *pieces: bytes, gap: float = 0.0, then: float = 0.0) -> Reply:
    """This head, then these pieces `gap` seconds apart, then `then` seconds of silence and the end."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for piece in pieces:
            await asyncio.sleep(gap)
            writer.write(piece)
            await writer.drain()
        await asyncio.sleep(then)
        writer.close()

    return reply


def silent_for(seconds: float, reply: Reply) -> Reply:
    async def later(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await reply(writer)

    return later


async def completed(relay: Relay, of: Target) -> bytes | Failure:
    return await relay.complete(of, b"{}")


async def read_all(relay: Relay, of: Target) -> int:
    """How much a stream brought."""
    size = 0
    async with relay.stream(of, b"{}") as opened:
        assert not isinstance(opened, Failure), opened
        while data := await opened.read():
            size += len(data)
    return size


async def test_an_answer_may_take_longer_to_begin_than_to_go_on(raw: RawProvider) -> None:
    raw.answers(silent_for(0.25, stream(chunk("hello"), chunk(None), gap=0.0)))
    async with relaying() as relay:
        assert await read_all(relay, target(raw)) > 0


async def test_an_answer_that_does_not_begin_is_given_up(raw: RawProvider) -> None:
    raw.answers(silent_for(5, whole()))
    async with relaying() as relay:
        began = time.monotonic()
        failure = await completed(relay, target(raw))
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.TIMED_OUT
        assert 0.35 < time.monotonic() - began < 1.5


async def test_an_answer_that_stops_on_its_way_is_given_up_sooner(raw: RawProvider) -> None:
    raw.answers(answering(b"HTTP/1.1 200 OK\r\n\r\n", chunk("hello"), chunk("again"), gap=0.05, then=5))
    async with relaying() as relay:
        began = time.monotonic()
        with pytest.raises(UpstreamBroken):
            await read_all(relay, target(raw))
        assert time.monotonic() - began < 1.0


async def test_a_provider_may_have_a_patience_of_its_own(raw: RawProvider) -> None:
    raw.answers(silent_for(0.8, whole()))
    async with relaying() as relay:
        assert isinstance(await completed(relay, target(raw, patience=Patience(1.0, 3.0, 3.0))), bytes)
        assert isinstance(await completed(relay, target(raw)), Failure)


async def test_an_answer_that_never_comes_to_an_end_is_cut(raw: RawProvider) -> None:
    raw.answers(answering(b"HTTP/1.1 200 OK\r\n\r\n", *[b": still here\n\n"] * 100, gap=0.05))
    async with relaying(longest=0.5) as relay:
        with pytest.raises(UpstreamBroken, match="does not come to an end"):
            await read_all(relay, target(raw))
        failure = await completed(relay, target(raw))
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.BROKEN


@pytest.mark.parametrize("declared", [True, False])
async def test_100_megabytes_are_refused_in_bounded_memory(raw: RawProvider, declared: bool) -> None:
    size = 100 * 1024 * 1024
    length = b"content-length: %d\r\n" % size if declared else b""
    raw.answers(answering(b"HTTP/1.1 200 OK\r\n%b\r\n" % length, *[b"x" * 65536] * (size // 65536)))
    async with relaying() as relay:
        tracemalloc.start()
        failure = await completed(relay, target(raw))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert isinstance(failure, Failure)
    assert failure.message == f"the provider's answer is larger than {LIMIT} bytes"
    assert peak < 4 * LIMIT


async def test_an_endless_stream_is_cut_at_the_limit(raw: RawProvider) -> None:
    raw.answers(answering(b"HTTP/1.1 200 OK\r\n\r\n", *[chunk("x" * 1000)] * 5000))
    async with relaying() as relay:
        with pytest.raises(UpstreamBroken, match="larger than"):
            await read_all(relay, target(raw))


async def test_a_long_error_is_read_in_part(raw: RawProvider) -> None:
    raw.answers(answering(b"HTTP/1.1 400 Bad\r\n\r\n", *[b"x" * 65536] * 200))
    async with relaying() as relay:
        failure = await completed(relay, target(raw))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.REJECTED
    assert 0 < len(failure.body) <= 64 * 1024


async def test_what_is_compressed_is_never_unpacked(raw: RawProvider) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    raw.answers(answering(head, bomb))
    async with relaying() as relay:
        tracemalloc.start()
        failure = await completed(relay, target(raw))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert isinstance(failure, Failure)
    assert "compressed" in failure.message
    assert peak < 1_000_000


async def test_a_compressed_error_is_told_in_our_words(raw: RawProvider) -> None:
    body = gzip.compress(b"no")
    raw.answers(answering(b"HTTP/1.1 400 No\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body), body))
    async with relaying() as relay:
        failure = await completed(relay, target(raw))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.status, failure.body) == (FailureKind.REJECTED, 400, b"")


@pytest.mark.parametrize(
    "header",
    [b"x: " + b"a" * 100_000 + b"\r\n", b"x: y\r\n" * 10_000, b"x" * 1_000_000 + b": y\r\n"],
    ids=["a long value", "many headers", "a long name"],
)
async def test_headers_are_bounded(raw: RawProvider, header: bytes) -> None:
    raw.answers(answering(b"HTTP/1.1 200 OK\r\n%bcontent-length: 2\r\n\r\n{}" % header))
    async with relaying() as relay:
        failure = await completed(relay, target(raw))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BROKEN


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(raw: RawProvider, status: int) -> None:
    with raw_provider() as elsewhere:
        location = elsewhere.url.encode()
        raw.answers(answering(b"HTTP/1.1 %d Go\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % (status, location)))
        async with relaying() as relay:
            failure = await completed(relay, target(raw))
    assert isinstance(failure, Failure)
    assert failure.status == status
    assert elsewhere.connections == 0
