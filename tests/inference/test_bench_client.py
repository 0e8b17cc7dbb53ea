"""The mock provider and our own load client, against each other over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from inference.bench import client, upstream, wire
from inference.bench.target import Target, Workload, percentile

QUESTIONS = Workload("m", 0, distinct=True)


@pytest.fixture
def script() -> upstream.Script:
    return upstream.Script(pace_seconds=0.0)


@pytest.fixture
async def target(script: upstream.Script) -> AsyncIterator[Target]:
    server = await upstream.serve(script)
    yield Target("upstream", server.sockets[0].getsockname()[1])
    server.close()


def control(target: Target, path: str) -> Target:
    return Target(target.name, target.port, path, method="GET")


async def test_the_provider_answers_and_counts(script, target):
    exchange = await client.send_one(target, next(QUESTIONS.bodies()))
    assert (exchange.status, exchange.body) == (200, wire.answer_body())
    counted = await client.send_one(control(target, "/count"), b"")
    assert counted.body == b"1"


async def test_the_provider_streams_every_chunk(target):
    exchange = await client.send_one(target, next(QUESTIONS.bodies(stream=True)))
    assert exchange.body == b"".join(wire.stream_events())
    assert client.check_stream(exchange) == ""


async def test_the_provider_waits_as_long_as_it_is_told(script, target):
    await client.send_one(control(target, "/delay/20"), b"")
    assert script.delay_seconds == 0.020
    asked_at = asyncio.get_running_loop().time()
    exchange = await client.send_one(target, next(QUESTIONS.bodies()))
    assert exchange.done_at - asked_at >= 0.019


async def test_the_provider_understands_a_request_that_arrives_in_pieces(target):
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    request = target.request(next(QUESTIONS.bodies()))
    for piece in (request[:20], request[20:-5], request[-5:]):
        writer.write(piece)
        await asyncio.sleep(0.01)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_every_answer_of_a_round_is_counted_once(script, target):
    result = await client.closed_loop(target, QUESTIONS.bodies(), connections=4, seconds=0.1)
    assert result.answered == script.answered > 4
    assert (result.failed, result.failure) == (0, "")


async def test_an_answer_that_is_not_200_is_a_failure_with_its_reason(target):
    nowhere = Target("upstream", target.port, "/nowhere")
    result = await client.closed_loop(nowhere, QUESTIONS.bodies(), connections=1, seconds=0.05)
    assert result.answered == 0
    assert result.failed > 0
    assert "404" in result.failure


async def test_a_stream_that_ends_early_is_a_failure(target, script):
    script.stream = [script.stream[0], script.stream[-1]]
    result = await client.streams(target, QUESTIONS.bodies(stream=True), count=1, seconds=0.05)
    assert result.answered == 0
    assert "ended after" in result.failure


async def test_a_round_on_a_server_that_hangs_up_ends_with_failures(target, script):
    script.answer = b""
    original = upstream.Upstream.data_received
    hang_up = pytest.MonkeyPatch()
    hang_up.setattr(upstream.Upstream, "data_received", lambda self, data: self._transport.close())
    try:
        result = await client.closed_loop(target, QUESTIONS.bodies(), connections=2, seconds=5)
    finally:
        hang_up.undo()
    assert upstream.Upstream.data_received is original
    assert result.answered == 0
    assert "closed the connection" in result.failure


async def test_an_open_loop_charges_a_slow_server_for_the_requests_it_made_wait(target, script):
    script.delay_seconds = 0.05
    result = await client.open_loop(target, QUESTIONS.bodies(), rate=1000, seconds=0.005, max_connections=1)
    assert result.answered == 5
    assert result.p99_ms >= 4 * 50  # the fifth waited for four others, although it was sent only after them


async def test_an_open_loop_sends_as_many_requests_as_its_rate_says(target, script):
    await client.open_loop(target, QUESTIONS.bodies(), rate=200, seconds=0.1, max_connections=8)
    assert script.answered == 20


def test_percentiles_are_values_that_occurred():
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.50, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.5) == 7.0
