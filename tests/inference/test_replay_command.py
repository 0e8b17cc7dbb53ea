"""`manage.py replay` as it is typed: what it prints, what it exits with, and what a Ctrl-C or a kill leaves."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from inference.gateway_client import Endpoint
from tests.inference.replay_fakes import FakeGateway, failure, serve_in_thread

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("--weak", "cheap-model", "--strong", "dear-model")


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def endpoint(gateway: FakeGateway, settings: Any, tmp_path: Path) -> Iterator[Endpoint]:
    """A running gateway that `var/demo.json` tells of, with itself as the simulator."""
    with serve_in_thread(gateway) as endpoint:
        settings.VAR_DIR = tmp_path
        settings.SIMULATOR_URL = endpoint.base_url
        demo = {"base_url": endpoint.base_url, "api_key": endpoint.api_key}
        (tmp_path / "demo.json").write_text(json.dumps(demo))
        yield endpoint


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": "?" * n, "weak_correct": n % 2, "strong_correct": 1} for n in range(1, 101)]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def run(*arguments: object) -> None:
    call_command("replay", *MODELS, *(str(argument) for argument in arguments))


def test_without_a_file_the_shipped_sample_is_replayed_and_reported_at_100_columns(
    endpoint: Endpoint, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--limit", 20, "--repeat", 2)
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.splitlines()) <= 100
    for expected in ("gsm8k.jsonl", "mmlu.jsonl", "strong #2", "autopilot", "t1 100.0%", "equal to the nano-dollar"):
        assert expected in printed
    assert len(gateway.requests) == 2 * 3 * 40


def test_json_is_one_object_with_exact_money_and_nothing_else_on_standard_output(
    endpoint: Endpoint, gateway: FakeGateway, workload: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(workload, "--json", "--modes", "weak,strong")
    report = json.loads(capsys.readouterr().out)
    weak, strong = report["passes"]
    assert [weak["mode"], strong["mode"]] == ["weak", "strong"]
    assert weak["accuracy"]["value"] == 0.5
    assert weak["accuracy"]["low"] < 0.5 < weak["accuracy"]["high"]
    assert strong["saved_share_against_strong"] == 0
    assert weak["all_strong_cost_usd"] == strong["cost_usd"]
    assert report["ledger"]["holds"] is True
    assert report["ledger"]["ledger_usd"] == report["ledger"]["receipts_usd"]
    assert report["workload"][0]["rows"] == 100
    assert report["weak"] == {"model": "cheap-model", "stands_for": ["weak"]}


def test_a_ledger_that_differs_is_an_error_to_the_shell(
    endpoint: Endpoint, gateway: FakeGateway, workload: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.skim = -1
    with pytest.raises(SystemExit) as exited:
        run(workload, "--limit", 3, "--drain-seconds", 0)
    assert exited.value.code == 1
    assert "they differ" in capsys.readouterr().out


def test_failures_and_a_stop_are_shown(
    endpoint: Endpoint, gateway: FakeGateway, workload: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.faults.extend([failure(400, "no [bold] here"), failure(429, "budget spent", retry_after="9999")])
    with pytest.raises(SystemExit) as exited:
        run(workload, "--modes", "strong", "--concurrency", 1)
    printed = capsys.readouterr()
    assert exited.value.code == 1
    assert "strong: 1 failed: 400: no [bold] here (×1)" in printed.out
    assert "incomplete" in printed.out
    assert "Stopped: the gateway asks to wait 9999 s: budget spent." in printed.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--modes", "strong,fast"), "the modes are strong, weak, autopilot"),
        (("--repeat", "0"), "must be 1 or more"),
        (("--receipts", "-1"), "must not be negative"),
        (("--weak", "=x"), "REGISTERED=RECORDED"),
        (("gone.jsonl",), "No such file"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(endpoint: Endpoint, arguments: tuple[str, ...], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        run(*arguments)


def test_without_a_gateway_it_says_how_to_start_one(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    with pytest.raises(CommandError, match="make run"):
        run()


def start(endpoint: Endpoint, workload: Path, tmp_path: Path) -> subprocess.Popen[str]:
    """The same replay in a process of its own, that can be killed."""
    command = [sys.executable, "manage.py", "replay", str(workload), *MODELS, "--json", "--modes", "strong"]
    where = ["--base-url", endpoint.base_url, "--api-key", endpoint.api_key, "--simulator-url", endpoint.base_url]
    return subprocess.Popen(
        [*command, *where, "--concurrency", "4", "--drain-seconds", "0"],
        cwd=ROOT,
        env={**os.environ, "ASAHI_VAR_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def slow_down_after(gateway: FakeGateway, count: int) -> threading.Event:
    """Makes every request after `count` hang; the event tells when the first of them came."""
    import asyncio

    reached = threading.Event()

    async def hang() -> None:
        if len(gateway.requests) > count:
            reached.set()
            await asyncio.sleep(0.5)

    gateway.on_request = hang
    return reached


def test_after_a_kill_no_completed_row_is_sent_again(
    endpoint: Endpoint, gateway: FakeGateway, workload: Path, tmp_path: Path
) -> None:
    reached = slow_down_after(gateway, 40)
    killed = start(endpoint, workload, tmp_path)
    assert reached.wait(30)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    gateway.on_request = None
    sent_before = len(gateway.requests)
    resumed = start(endpoint, workload, tmp_path)
    printed, _ = resumed.communicate(timeout=60)
    report = json.loads(printed)
    assert report["resumed"] is True
    assert report["passes"][0]["answered"] == 100
    assert 44 >= sent_before > 40
    assert len(gateway.requests) <= 100 + 4
    assert len({body["messages"][0]["content"] for body, _ in gateway.requests}) == 100
    assert 1 <= report["ledger"]["lost_answers"] <= 4
    assert report["ledger"]["holds"] is True
    assert resumed.returncode == 0


def test_an_interrupt_lets_calls_in_flight_finish_and_the_run_goes_on_later_without_a_difference(
    endpoint: Endpoint, gateway: FakeGateway, workload: Path, tmp_path: Path
) -> None:
    reached = slow_down_after(gateway, 40)
    interrupted = start(endpoint, workload, tmp_path)
    assert reached.wait(30)
    interrupted.send_signal(signal.SIGINT)
    printed, errors = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130
    assert "Stopped: interrupted" in errors
    assert json.loads(printed)["complete"] is False
    gateway.on_request = None
    resumed = start(endpoint, workload, tmp_path)
    printed, _ = resumed.communicate(timeout=60)
    assert resumed.returncode == 0
    assert json.loads(printed)["ledger"]["holds"] is True
    assert len(gateway.requests) == 100
