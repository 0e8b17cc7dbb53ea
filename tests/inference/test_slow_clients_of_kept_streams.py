"""A client that takes too long for a stream under an `Idempotency-Key` is cut off, and told so by its connection."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from inference.api import once
from inference.flights import ClientStalled, Write


class _Claims:
    def __init__(self) -> None:
        self.kept: bytes | None = None

    def work_on(self, work: Any) -> asyncio.Task[Any]:
        return asyncio.create_task(work)

    async def keep(self, claim: Any, status: int, headers: Any, body: bytes | None) -> None:
        self.kept = body


class _TwoPieces:
    whole = True

    async def pump(self, write: Write) -> None:
        await write(b"one ")
        await write(b"two")

    async def aclose(self) -> None:
        """Nothing is held."""


def test_it_is_not_told_that_the_part_it_got_is_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "_SLOW_CLIENT_SECONDS", 0.01)
    claims, got = _Claims(), list[bytes]()

    async def slow(data: bytes) -> None:
        if got:
            await asyncio.sleep(10)
        got.append(data)

    async def go() -> None:
        nothing = cast("Any", None)
        stream = once._KeptStream(cast("Any", _TwoPieces()), cast("Any", claims), nothing, nothing)
        with pytest.raises(ClientStalled):  # at which the server closes the connection without an end
            await stream.pump(slow)

    asyncio.run(go())
    assert got == [b"one "]
    assert claims.kept == b"one two"  # for its next attempt
