"""The scenarios of admission and T2. Gateway and store are mocks here, and no figure is checked."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from inference.bench import cache_scenarios, upstream, wording
from inference.bench.probes import Lookups
from inference.bench.stage import Gateway, Sizes, Stage
from inference.bench.target import Target
from tests.inference.test_bench_scenarios import ThreeRequests, served

SIZES = Sizes(rounds=2, seconds=1, floor_seconds=1, memory_requests=3, probes=5, entries=70)


class KnownProbes:
    """Says what it is told to say."""

    def __init__(self) -> None:
        self.entries = 0

    def admission(self, count: int) -> list[float]:
        return [float(place) for place in range(count, 0, -1)]

    def fill_store(self, entries: int) -> None:
        self.entries += entries

    def lookups(self, count: int) -> Lookups:
        return Lookups([float(count), 1.0], 0.75, ["by an index"])


@pytest.fixture
def script() -> upstream.Script:
    script = upstream.Script(pace_seconds=0.0)
    script.answer = script.answer.replace(b"\r\n", b"\r\nx-asahi-cache: t2\r\n", 1)
    return script


@pytest.fixture
def stage(script) -> Iterator[Stage]:
    with served(script) as port:
        target = Target("gateway", port)
        gateway = Gateway(target, os.getpid(), frozenset({0}))
        yield Stage(
            gateway, target, ThreeRequests(), SIZES, "m", lambda workers: gateway, KnownProbes(), target
        )  # fmt: skip


def test_admissions_are_shown_by_their_percentiles(stage):
    assert [figure.value for figure in cache_scenarios.admission(stage)] == [3.0, 5.0]


def test_t2_is_searched_alone_and_then_through_the_gateway(stage):
    found = {figure.measure.key: figure for figure in cache_scenarios.t2(stage)}
    assert stage.failures == []
    assert (found["t2_search_p50_ms"].value, found["t2_search_p95_ms"].value) == (1.0, 400.0)
    assert found["t2_recall"].verdict == "missed"
    assert found["t2_hit_p95_ms"].value >= found["t2_hit_p50_ms"].value > 0
    assert stage.notes == ["t2: by an index"]
    assert stage.probes.entries == SIZES.entries


def test_questions_that_t2_does_not_answer_are_an_error(stage, script, monkeypatch):
    monkeypatch.setattr(cache_scenarios, "_LEARNED_WITHIN_SECONDS", 0.0)
    script.answer = script.answer.replace(b"x-asahi-cache: t2", b"x-asahi-cache: t3", 1)
    assert cache_scenarios.t2(stage) == []
    assert stage.failures == ["t2: a question in other words is not answered from T2"]


def test_a_round_without_a_hit_is_an_error(stage, script, monkeypatch):
    def fill_and_forget(entries: int) -> None:
        script.answer = script.answer.replace(b"x-asahi-cache: t2", b"x-asahi-cache: t1", 1)

    monkeypatch.setattr(stage.probes, "fill_store", fill_and_forget)
    monkeypatch.setattr(cache_scenarios, "percentile", lambda values, share: 0.0)
    cache_scenarios.t2(stage)
    assert stage.failures[0] == "t2: none of 5 questions in other words was answered from T2"


def test_no_wording_is_another_to_the_letter():
    first = wording.first_wordings()
    others = [next(again) for again in [wording.other_wordings()] for _ in range(4 * len(first))]
    assert len({*first, *others}) == 5 * len(first)
    assert set(others) >= {next(wording.of_the_last())}
