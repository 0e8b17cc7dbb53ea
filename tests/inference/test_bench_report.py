"""How figures are judged and shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from inference.bench import facts, figures
from inference.bench.figures import Figure
from inference.bench.report import Report

REPORT = Report(
    date=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    mode="quick",
    rounds=3,
    client="wrk",
    notes=["a note"],
    git={"head": "0123456789abcdef", "modified": True},
    machine={"processor": "A processor", "cores": 2},
    versions={"python": "3"},
    server_cores=[0],
    load_cores=[1],
    strangers_share=0.0,
    requests=12_345,
    figures=[Figure.of(figures.HIT_RATE, [3000.0, 9000.0, 5000.0], [90_000.0]), Figure.of(figures.HIT_CPU, [400.0])],
    failures=[],
)


@pytest.mark.parametrize(
    ("measure", "value", "verdict"),
    [
        (figures.HIT_RATE, 8_000, "goal"),
        (figures.HIT_RATE, 7_999, "must"),
        (figures.HIT_RATE, 3_999, "missed"),
        (figures.HIT_CPU, 120, "goal"),
        (figures.HIT_CPU, 121, "must"),
        (figures.HIT_CPU, 241, "missed"),
        (figures.SCALING, 1.8, "must"),
        (figures.SCALING, 1.7, "missed"),
        (figures.HIT_BUSY, 50, ""),
    ],
)
def test_a_value_is_judged_by_its_targets(measure, value, verdict):
    assert measure.judge(value) == verdict


def test_a_figure_is_the_median_of_its_rounds():
    figure = Figure.of(figures.HIT_CPU, [300.0, 100.0, 110.0], [1.0, 3.0])
    assert (figure.value, figure.direct) == (110.0, 2.0)
    assert figure.rounds == (300.0, 100.0, 110.0)


def test_the_table_shows_every_figure_beside_its_floor_and_targets():
    lines = REPORT.as_text().splitlines()
    rate = next(line for line in lines if line.startswith("T1 hit, 32"))
    assert rate.split("  ")[0] == "T1 hit, 32 connections"
    for shown in ("5,000 requests/s", "90,000", "≥ 4,000", "≥ 8,000", "reaches what it must"):
        assert shown in rate
    assert any(line.startswith("T1 hit, CPU") and line.endswith("MISSED") for line in lines)


def test_the_table_says_what_was_measured_and_where():
    text = REPORT.as_text()
    for said in ("0123456789 (modified)", "2026-01-02", "wrk", "core 0", "core 1", "12,345 requests", "a note"):
        assert said in text


def test_a_failure_is_shown():
    assert "FAILED gateway: 3 requests" in replace(REPORT, failures=["gateway: 3 requests"]).as_text()


def test_strangers_on_the_gateways_core_are_mentioned_when_they_matter():
    assert "Others used" not in replace(REPORT, strangers_share=0.04).as_text()
    assert "Others used up to 40%" in replace(REPORT, strangers_share=0.40).as_text()


def test_the_json_holds_every_round_and_verdict():
    said = json.loads(json.dumps(REPORT.as_json()))
    rate, cpu = said["figures"]
    assert (rate["key"], rate["value"], rate["rounds"]) == ("t1_hit_per_second", 5000.0, [3000.0, 9000.0, 5000.0])
    assert (rate["direct"], rate["must"], rate["goal"], rate["verdict"]) == (90_000.0, 4_000, 8_000, "must")
    assert (cpu["direct"], cpu["verdict"]) == (None, "missed")
    assert said["date"] == "2026-01-02T03:04:00+00:00"
    assert said["git"]["modified"] is True


def test_the_facts_name_the_machine_and_what_ran_on_it(tmp_path):
    assert facts.machine()["cores"]
    assert facts.versions()["django"].startswith("5.")
    assert facts.git_head(tmp_path) == {}
