"""Asking a running product how far it has come."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from asahi_site import probe
from asahi_site.probe import Health, ask_health


@contextlib.asynccontextmanager
async def _answering(answer: bytes) -> AsyncIterator[int]:
    """The port of a server that answers everything like this."""

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer_one, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def _http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d x\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (status, len(body)) + body


@pytest.mark.parametrize(
    ("answer", "health"),
    [
        (_http(200, b'{"status": "ok"}'), Health.COMPLETE),
        (_http(200, b'{"status": "degraded"}'), Health.ANSWERS),
        (_http(503, b'{"status": "down"}'), Health.AWAY),
        (_http(200, b"<html>somebody else</html>"), Health.AWAY),
        (_http(200, b"[]"), Health.AWAY),
        (b"not http", Health.AWAY),
        (b"", Health.AWAY),
    ],
)
async def test_health_is_what_the_answer_says(answer, health):
    async with _answering(answer) as port:
        assert await ask_health("127.0.0.1", port) is health


async def test_nobody_there_is_away():
    assert await ask_health("127.0.0.1", 1) is Health.AWAY


async def test_a_server_that_says_nothing_is_away(monkeypatch):
    monkeypatch.setattr(probe, "_PATIENCE_SECONDS", 0.05)
    given_up = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side gives up
        writer.close()
        await writer.wait_closed()
        given_up.set()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        assert await ask_health("127.0.0.1", server.sockets[0].getsockname()[1]) is Health.AWAY
        await given_up.wait()


@pytest.mark.parametrize(("component", "status"), [((), 0), (("worker",), 0), (("recorder",), 1), (("nothing",), 1)])
async def test_a_container_learns_it_from_the_exit_status(component, status):
    body = b'{"status": "degraded", "components": {"worker": "ok", "recorder": "silent"}}'
    async with _answering(_http(200, body)) as port:
        command = (sys.executable, "-m", "asahi_site.probe", "--port", str(port), *component)
        assert await asyncio.to_thread(subprocess.call, command) == status
