"""Repeats are a share of the calls, and health is what became of the last ones."""

from __future__ import annotations

import pytest

from governance.domain import ProviderAccount
from inference.calling import wait_before_retry
from inference.catalog import registry
from inference.providers.breaker import Breakers
from inference.providers.retry_after import seconds_to_wait
from inference.providers.standing import Standing
from inference.providers.targets import Targets
from inference.providers.traffic import Traffic

OURS = ("openai", "")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def traffic(clock: Clock) -> Traffic:
    return Traffic(share=0.1, reserve=3, window=20.0, clock=clock)


def retries(traffic: Traffic, line: tuple[str, str] = OURS, tries: int = 1000) -> int:
    return sum(traffic.may_retry(line) for _ in range(tries))


def test_in_an_outage_repeats_add_a_tenth_to_the_calls(traffic: Traffic) -> None:
    repeated = 0
    for _ in range(1000):
        traffic.called(OURS)
        repeated += retries(traffic, tries=2)
    assert repeated == 103


def test_a_single_call_may_be_repeated(traffic: Traffic) -> None:
    traffic.called(OURS)
    assert retries(traffic, tries=2) == 2


def test_the_budget_comes_back_with_time(traffic: Traffic, clock: Clock) -> None:
    assert retries(traffic) == 3
    clock.now += 10
    assert retries(traffic) == 0
    clock.now += 10
    assert retries(traffic) == 3
    clock.now += 1000
    assert retries(traffic) == 3


def test_one_organizations_key_spends_nobody_elses_repeats(traffic: Traffic) -> None:
    assert retries(traffic, ("openai", "an-account")) == 3
    assert retries(traffic) == 3


def test_a_provider_that_mostly_fails_is_in_trouble_until_it_is_better(traffic: Traffic, clock: Clock) -> None:
    for _ in range(10):
        traffic.called(OURS)
    for _ in range(5):
        traffic.failed(OURS)
    assert traffic.in_trouble("openai")
    assert not traffic.in_trouble("groq")
    traffic.called(OURS)
    assert not traffic.in_trouble("openai")
    for _ in range(9):
        traffic.failed(OURS)
    assert traffic.in_trouble("openai")
    clock.now += 40
    assert not traffic.in_trouble("openai")


def test_a_few_failures_tell_nothing(traffic: Traffic) -> None:
    for _ in range(5):
        traffic.called(OURS)
        traffic.failed(OURS)
    assert not traffic.in_trouble("openai")


def test_what_is_remembered_is_bounded(traffic: Traffic) -> None:
    for number in range(10_050):
        traffic.called(("openai", str(number)))
    assert len(traffic._windows) == 10_000


def test_models_fail_for_those_who_call_them_with_that_account(traffic: Traffic) -> None:
    breakers = Breakers(threshold=1)
    targets = Targets(registry(), environ={}, simulator_url="http://127.0.0.1:1", simulate=None)
    standing = Standing(registry(), targets, breakers, traffic)
    own = {"openai": ProviderAccount("own", "openai", "", "", "sk-own")}
    assert standing.failing(own) == set()
    breakers.failed("gpt-6-luna")
    breakers.failed("claude-haiku-5-5")
    breakers.failed("gpt-6.1-sol", "own")
    breakers.failed("gpt-6.1-terra", "somebody else's")
    assert standing.failing({}) == {"gpt-6-luna", "claude-haiku-5-5"}
    assert standing.failing(own) == {"claude-haiku-5-5", "gpt-6.1-sol"}
    states = standing.states()
    assert (states["openai"], states["anthropic"], states["groq"]) == ("failing", "failing", "simulated")
    assert "vllm" not in states, "it serves no model here"


def test_health_says_degraded_while_calls_fail(traffic: Traffic) -> None:
    targets = Targets(registry(), environ={"OPENAI_API_KEY": "k"}, simulator_url="", simulate=None)
    standing = Standing(registry(), targets, Breakers(), traffic)
    assert standing.states() == {"openai": "ok"}
    for _ in range(10):
        traffic.called(OURS)
        traffic.failed(OURS)
    assert standing.states() == {"openai": "degraded"}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Friday, 20-Nov-26 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "86400"}, None),
        ({"retry-after": "Fri, 20 Nov 2027 12:00:30 GMT"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Fri, 99 Nov 99999 12:00:30 GMT"}, None),
    ],
)
def test_a_providers_wish_to_be_left_alone_is_read(headers: dict[str, str], seconds: float | None) -> None:
    noon = 1_795_176_000.0
    assert seconds_to_wait(headers, noon) == seconds


def test_a_repeat_is_never_sooner_than_asked_for_and_not_at_the_same_moment_as_others() -> None:
    waits = {wait_before_retry(0, 1.5) for _ in range(100)}
    assert min(waits) >= 1.5
    assert max(waits) <= 1.5 * 1.2 + 1e-9
    assert len(waits) > 90
    assert max(wait_before_retry(0, None) for _ in range(100)) <= 0.15
