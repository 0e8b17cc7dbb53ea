"""Leaving failing models alone: each for itself, for a while, and not for one caller's impossible requests."""

from __future__ import annotations

import pytest

from inference.providers.breaker import Breakers


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(threshold=3, cooldown=10.0, recent=30.0, clock=clock)


def _fail(breakers: Breakers, model: str, times: int, *, timed_out: bool = False) -> None:
    for _ in range(times):
        breakers.failed(model, timed_out=timed_out)


def test_a_run_of_failures_opens_one_model_and_no_other(breakers: Breakers) -> None:
    _fail(breakers, "a", 3)
    assert (breakers.passes("a"), breakers.passes("b")) == (False, True)
    assert breakers.open_now() == {"a"}


def test_a_success_in_between_starts_the_count_again(breakers: Breakers) -> None:
    _fail(breakers, "a", 2)
    breakers.succeeded("a")
    _fail(breakers, "a", 2)
    assert breakers.passes("a")


def test_after_the_cooldown_one_call_passes_and_decides(breakers: Breakers, clock: Clock) -> None:
    _fail(breakers, "a", 3)
    clock.now += 10
    assert not breakers.is_open("a")
    assert (breakers.passes("a"), breakers.passes("a")) == (True, False)
    breakers.failed("a")
    clock.now += 9
    assert not breakers.passes("a")
    clock.now += 1
    assert breakers.passes("a")
    breakers.succeeded("a")
    assert [breakers.passes("a") for _ in range(3)] == [True, True, True]
    assert not breakers.open_now()


def test_calls_that_time_out_do_not_open_a_model_that_answers_others(breakers: Breakers, clock: Clock) -> None:
    breakers.succeeded("a")
    clock.now += 30
    _fail(breakers, "a", 50, timed_out=True)
    assert breakers.passes("a")


def test_calls_that_time_out_open_a_model_that_answers_nobody(breakers: Breakers, clock: Clock) -> None:
    breakers.succeeded("a")
    clock.now += 31
    _fail(breakers, "a", 3, timed_out=True)
    _fail(breakers, "never answered", 3, timed_out=True)
    assert breakers.open_now() == {"a", "never answered"}


def test_each_account_has_breakers_of_its_own(breakers: Breakers) -> None:
    for _ in range(3):
        breakers.failed("a", "theirs")
    assert (breakers.passes("a", "theirs"), breakers.passes("a"), breakers.passes("a", "others")) == (False, True, True)
    assert (breakers.open_now("theirs"), breakers.open_now()) == (frozenset({"a"}), frozenset())


def test_it_is_told_once_that_a_model_is_left_alone(breakers: Breakers, clock: Clock) -> None:
    assert [breakers.failed("a") for _ in range(5)] == [False, False, True, False, False]
    clock.now += 10
    assert breakers.passes("a")
    clock.now += 10
    assert breakers.failed("a")


def test_what_breakers_remember_is_bounded(breakers: Breakers) -> None:
    for number in range(50_010):
        breakers.failed("a", str(number))
        breakers.succeeded("b", str(number))
    assert len(breakers._failures) <= 50_000
    assert len(breakers._succeeded_at) <= 50_000
