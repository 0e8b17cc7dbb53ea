"""While Redis is gone, T1 falls back to a few answers in the process's own memory."""

from __future__ import annotations

import pytest

from caching import local
from caching.domain import CachedAnswer
from caching.local import LocalAnswers


class Redis:
    """Whether it is there."""

    there = False

    def is_there(self) -> bool:
        return self.there


@pytest.fixture
def redis() -> Redis:
    return Redis()


@pytest.fixture
def answers(redis: Redis) -> LocalAnswers:
    return LocalAnswers(redis_is_there=redis.is_there, max_bytes=10_000)


def an_answer(size: int = 100) -> CachedAnswer:
    return CachedAnswer("chat", b"a" * size, "m", "p", b"", 0.0, "", None, False)


def test_an_answer_kept_without_redis_is_found_again(answers: LocalAnswers) -> None:
    answers.keep("k", an_answer(), ttl_seconds=60)
    assert answers.find("k") == an_answer()
    assert answers.find("other") is None


def test_nothing_is_kept_while_redis_is_there(answers: LocalAnswers, redis: Redis) -> None:
    redis.there = True
    answers.keep("k", an_answer(), ttl_seconds=60)
    redis.there = False
    assert answers.find("k") is None


def test_what_was_kept_is_forgotten_when_redis_comes_back(answers: LocalAnswers, redis: Redis) -> None:
    answers.keep("k", an_answer(), ttl_seconds=60)
    redis.there = True
    assert answers.find("k") is None
    redis.there = False
    assert answers.find("k") is None


def test_an_answer_runs_out(answers: LocalAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    answers.keep("short", an_answer(), ttl_seconds=5)
    answers.keep("long", an_answer(), ttl_seconds=10**6)
    now = local.time.monotonic()
    monkeypatch.setattr(local.time, "monotonic", lambda: now + 6)
    assert answers.find("short") is None
    assert answers.find("long") is not None
    monkeypatch.setattr(local.time, "monotonic", lambda: now + local.LONGEST_SECONDS + 1)
    assert answers.find("long") is None


def test_memory_is_bounded_and_the_least_used_goes_first(answers: LocalAnswers) -> None:
    for name in "abcd":
        answers.keep(name, an_answer(2000), ttl_seconds=60)
        answers.find("a")
    assert answers.find("a") is not None
    assert answers.find("b") is None
    assert answers.find("d") is not None
    answers.keep("huge", an_answer(20_000), ttl_seconds=60)
    assert answers.find("huge") is None
