"""What is read from the load tools, and what they are told."""

from __future__ import annotations

import json
import re

import pytest

from inference.bench import load
from inference.bench.target import Target, Workload

WRK_OUTPUT = """Running 2s test @ http://127.0.0.1:8000/v1/chat/completions
  1 threads and 32 connections
BENCH {"requests":8000,"status":%d,"socket":%d,"us":2000000,"p50":4000,"p95":9000,"p99":12000}
"""

TARGET = Target("gateway", 8000, headers=(("authorization", "Bearer secret"),))


def oha_output(statuses: dict[str, int], errors: dict[str, int]) -> str:
    return json.dumps(
        {
            "summary": {"total": 2.0},
            "latencyPercentiles": {"p50": 0.004, "p95": 0.009, "p99": 0.012},
            "statusCodeDistribution": statuses,
            "errorDistribution": errors,
        }
    )


def test_a_clean_round_of_wrk_has_its_rate_and_no_failure():
    result = load.parse_wrk(WRK_OUTPUT % (0, 0))
    assert (result.answered, result.failed, result.failure) == (8000, 0, "")
    assert result.per_second == 4000
    assert (result.p50_ms, result.p95_ms, result.p99_ms) == (4.0, 9.0, 12.0)


def test_wrk_answers_other_than_200_are_failures_and_not_answers():
    result = load.parse_wrk(WRK_OUTPUT % (500, 2))
    assert (result.answered, result.failed) == (7500, 502)
    assert "500 answers" in result.failure


def test_a_clean_round_of_oha_has_its_rate_and_no_failure():
    result = load.parse_oha(oha_output({"200": 8000}, {"aborted due to deadline": 32}))
    assert (result.answered, result.failed, result.per_second) == (8000, 0, 4000)
    assert (result.p50_ms, result.p99_ms) == (4.0, 12.0)


def test_oha_answers_other_than_200_and_broken_connections_are_failures():
    result = load.parse_oha(oha_output({"200": 90, "429": 8}, {"connection closed": 2}))
    assert (result.answered, result.failed) == (90, 10)
    assert "429" in result.failure
    assert "connection closed" in result.failure


@pytest.mark.parametrize("distinct", [True, False])
def test_wrk_is_told_to_send_what_our_own_client_sends(distinct: bool):
    work = Workload("gpt-x", 4_294_000_000, distinct=distinct)
    script = load.lua_script(TARGET, work)
    strings = [json.loads(literal) for literal in re.findall(r'"(?:[^"\\]|\\.)*"', script)]
    body = next(work.bodies()).decode()
    head, tail = body.split(load.wire.subject(work.first))
    assert {body, head, tail, "Bearer secret"} <= set(strings)
    assert f"if {str(distinct).lower()} then" in script
    assert "local number = 4294000000" in script


def test_without_a_load_tool_our_own_client_is_used_and_says_that_it_is_the_limit(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    driver = load.find_driver()
    assert isinstance(driver, load.OwnClient)
    assert "limit" in driver.note


def test_an_installed_load_tool_is_preferred_and_another_can_be_asked_for(monkeypatch, tmp_path):
    for name in ("wrk", "oha"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert load.find_driver().name == "wrk"
    assert load.find_driver("oha").name == "oha"
    assert isinstance(load.find_driver("own"), load.OwnClient)


def test_a_load_tool_that_is_asked_for_and_not_installed_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LookupError, match="wrk"):
        load.find_driver("wrk")
