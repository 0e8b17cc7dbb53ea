"""The hot path's connection gives up on a frozen server within its timeout, whenever that happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from governance.redis_pipe import RedisAway, RedisPipe, pack
from tests.gateway.flaky_proxy import FlakyProxy


@pytest.fixture
def proxy() -> Iterator[FlakyProxy]:
    between = FlakyProxy(settings.REDIS_URL)
    between.start()
    yield between
    between.stop()


def test_a_freeze_just_after_connecting_costs_no_more_than_later(proxy: FlakyProxy) -> None:
    async def story() -> float:
        pipe = RedisPipe(proxy.url, timeout=0.05)
        await pipe.start()
        with proxy.frozen():
            began = time.monotonic()
            with pytest.raises(RedisAway):
                await pipe.submit(pack("PING"))
            took = time.monotonic() - began
        await pipe.stop()
        return took

    assert asyncio.run(story()) < 0.5, "the greeting's patience is a second"


def test_what_is_sent_in_the_moment_a_connection_fails_fails_too(proxy: FlakyProxy) -> None:
    async def story() -> None:
        pipe = RedisPipe(proxy.url, timeout=10)
        await pipe.start()

        async def ask_twice() -> None:
            with pytest.raises(RedisAway):
                await pipe.submit(pack("PING"))
            with pytest.raises(RedisAway):
                await pipe.submit(pack("PING"))

        with proxy.frozen():
            asking = asyncio.create_task(ask_twice())
            await asyncio.sleep(0)
            with proxy.cut():
                async with asyncio.timeout(5):
                    await asking
        await pipe.stop()

    asyncio.run(story())
