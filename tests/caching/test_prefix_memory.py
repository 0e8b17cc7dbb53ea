"""Beginnings of prompts are remembered by organization, and how often the same came again is learned."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from caching.workflow import prefixes
from caching.workflow.prefixes import SIGHT, RedisPrefixes, Sighting
from governance.redis_pipe import RedisPipe

A, B, C, D = (letter * 16 for letter in (b"a", b"b", b"c", b"d"))


def tell(story: Callable[[RedisPrefixes], Awaitable[Any]], *, url: str = "") -> Any:
    async def go() -> Any:
        pipe = RedisPipe(url or settings.REDIS_URL, preload=[SIGHT.load()], timeout=2.0)
        await pipe.start()
        try:
            return await story(RedisPrefixes(pipe))
        finally:
            await pipe.stop()

    return asyncio.run(go())


@pytest.fixture
def org() -> str:
    return str(uuid4())


def see(org: str, *prompts: list[bytes], named: bool = False) -> Sighting:
    async def story(memory: RedisPrefixes) -> Sighting:
        for prompt in prompts:
            seen = await memory.sight(org, prompt, named=named)
        return seen

    told: Sighting = tell(story)
    return told


def test_a_beginning_is_known_the_second_time(org: str) -> None:
    assert see(org, [A]).known is None
    again = see(org, [A])
    assert (again.known, again.before) == (0, 1)


def test_the_longest_known_beginning_is_told(org: str) -> None:
    assert see(org, [A, B], [A, B, C]).known == 1


def test_what_two_conversations_begin_with_is_known(org: str) -> None:
    assert see(org, [A, B], [A, C]).known == 0


def test_another_organization_knows_nothing_of_it(org: str) -> None:
    see(org, [A])
    assert see(str(uuid4()), [A]).known is None


def test_a_named_document_is_expected_again_and_any_long_prompt_is_not(org: str) -> None:
    assert see(org, [A], named=True).again > 0.5
    assert see(str(uuid4()), [B]).again < 0.25


def test_an_organization_whose_documents_never_come_again_teaches_that(org: str) -> None:
    once = [[bytes([n]) * 16] for n in range(30)]
    assert see(org, *once, named=True).again < 0.25


def test_an_organization_whose_prompts_come_again_teaches_that(org: str) -> None:
    twice = [[bytes([n // 2]) * 16] for n in range(60)]
    assert see(org, *twice, [D]).again > 0.6


def test_a_beginning_that_was_not_seen_for_long_is_not_known(org: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefixes, "REMEMBERED_SECONDS", 0)
    assert see(org, [A], [A]).known is None


def test_only_so_many_beginnings_are_kept(org: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefixes, "_MOST", 10)
    see(org, *[[bytes([n]) * 16] for n in range(30)])
    assert redis.from_url(settings.REDIS_URL).zcard(f"asahi:t3:{{{org}}}:prefixes") == 10


def test_without_redis_nothing_is_known_and_nothing_raised(org: str) -> None:
    async def story(memory: RedisPrefixes) -> Sighting:
        return await memory.sight(org, [A], named=True)

    away = tell(story, url="redis://127.0.0.1:1/0")
    assert (away.known, away.before) == (None, 0)
    assert away.again > 0.5
