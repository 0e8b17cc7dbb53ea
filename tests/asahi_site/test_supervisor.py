"""The supervisor: what it restarts, in which order it stops, and that nothing is left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from asahi_site import supervisor as supervising
from asahi_site.embedded.process import Launch
from asahi_site.supervisor import Service, Stage, Supervisor
from tests.asahi_site.places import forking_is_fine

pytestmark = forking_is_fine

STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
OBEDIENT = "trap 'echo stopping; exit 0' TERM; echo ready; while :; do sleep 0.05; done"


class Heard(list[tuple[str, str]]):
    """What the supervised programs said, in order."""

    def say(self, name: str, line: str) -> None:
        self.append((name, line))

    async def wait_for(self, name: str, text: str, times: int = 1) -> None:
        async with asyncio.timeout(10):
            while sum(said == name and text in line for said, line in self) < times:
                await asyncio.sleep(0.01)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest_asyncio.fixture
async def supervisor(heard) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(heard.say)
    yield supervisor
    supervisor.hurry()
    await supervisor.stop()


@pytest.fixture
def shell(tmp_path) -> Callable[..., Service]:
    """A service that is a line of shell."""

    def make(name: str, script: str, *, stage: Stage = Stage.WORK, grace: float = 5, **options) -> Service:
        launch = Launch(("/bin/sh", "-c", script), cwd=tmp_path, environment={"PATH": os.environ["PATH"]})
        return Service(name, launch, stage, grace, **options)

    return make


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _ends(pid: int) -> bool:
    """Whether a process is gone, given a moment to die of what was sent to it."""
    deadline = time.monotonic() + 5
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not _lives(pid)


async def test_each_line_is_said_under_its_programs_name(supervisor, heard, shell):
    await supervisor.start(shell("web", "echo one; echo two >&2; printf 'no end'; exec sleep 60"))
    await heard.wait_for("web", "two")
    await supervisor.stop()
    assert heard == [("web", "one"), ("web", "two"), ("web", "no end")]


async def test_a_line_that_never_ends_is_not_kept_for_ever(supervisor, heard, shell, monkeypatch):
    monkeypatch.setattr(supervising, "_LONGEST_LINE", 1000)
    await supervisor.start(shell("web", "head -c 5000 /dev/zero | tr '\\0' x; exec sleep 60"))
    await heard.wait_for("web", "x" * 1000)


async def test_a_program_runs_once_and_its_status_is_told(supervisor, shell):
    assert await supervisor.run_once(shell("prepare", "exit 3")) == 3
    assert await supervisor.run_once(shell("prepare", "kill -9 $$")) == -signal.SIGKILL


async def test_what_ends_by_itself_is_started_again(supervisor, heard, shell):
    running = await supervisor.start(shell("worker", "echo started; exit 7"))
    await heard.wait_for("worker", "started", times=2)
    assert ("worker", "ended with status 7; starting it again in 0.25 s") in heard
    assert running.starts == 2


async def test_what_is_killed_is_started_again(supervisor, heard, shell):
    running = await supervisor.start(shell("worker", OBEDIENT))
    await heard.wait_for("worker", "ready")
    os.kill(running.process.pid, signal.SIGKILL)
    await heard.wait_for("worker", "ready", times=2)
    assert ("worker", "was killed by SIGKILL; starting it again in 0.25 s") in heard


async def test_what_a_killed_parent_left_behind_is_gone_before_it_is_started_again(supervisor, heard, shell):
    running = await supervisor.start(shell("worker", "sleep 60 & echo child $!; wait"))
    await heard.wait_for("worker", "child")
    child = int(heard[0][1].split()[1])
    os.kill(running.process.pid, signal.SIGKILL)
    await heard.wait_for("worker", "child", times=2)
    assert _ends(child)


async def test_each_early_crash_is_met_with_a_longer_delay_up_to_a_limit(supervisor, heard, shell, monkeypatch):
    monkeypatch.setattr(supervising, "_FIRST_DELAY", 0.01)
    monkeypatch.setattr(supervising, "_LONGEST_DELAY", 0.04)
    await supervisor.start(shell("worker", "exit 1"))
    await heard.wait_for("worker", "starting it again", times=4)
    assert [line.split()[-2] for _, line in heard[:4]] == ["0.01", "0.02", "0.04", "0.04"]


async def test_a_crash_after_a_steady_run_is_met_with_the_first_delay(supervisor, heard, shell, monkeypatch):
    monkeypatch.setattr(supervising, "_FIRST_DELAY", 0.01)
    monkeypatch.setattr(supervising, "_STEADY_AFTER_SECONDS", 0.0)
    await supervisor.start(shell("worker", "exit 1"))
    await heard.wait_for("worker", "starting it again", times=3)
    assert {line.split()[-2] for _, line in heard[:3]} == {"0.01"}


async def test_each_stage_is_gone_before_the_next_is_told_to_stop(supervisor, heard, shell):
    slow = "trap 'sleep 0.3; echo stopped; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    for name, stage in (("db", Stage.STORE), ("recorder", Stage.RECORD), ("worker", Stage.WORK), ("web", Stage.FRONT)):
        await supervisor.start(shell(name, slow, stage=stage))
    for name in ("web", "worker", "recorder", "db"):
        await heard.wait_for(name, "ready")
    heard.clear()
    began = time.monotonic()
    await supervisor.stop()
    assert heard == [("web", "stopped"), ("worker", "stopped"), ("recorder", "stopped"), ("db", "stopped")]
    assert time.monotonic() - began > 4 * 0.3


async def test_one_stage_stops_side_by_side(supervisor, heard, shell):
    slow = "trap 'sleep 3; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    for name in ("a", "b", "c"):
        await supervisor.start(shell(name, slow))
        await heard.wait_for(name, "ready")
    began = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - began < 8  # one after the other they would take nine seconds


async def test_what_is_idle_stops_at_once_whatever_its_grace(supervisor, heard, shell):
    await supervisor.start(shell("web", OBEDIENT, grace=60))
    await heard.wait_for("web", "ready")
    began = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - began < 30  # half its grace


async def test_what_does_not_stop_in_its_grace_is_killed(supervisor, heard, shell):
    running = await supervisor.start(shell("worker", STUBBORN, grace=0.3))
    await heard.wait_for("worker", "ready")
    await supervisor.stop()
    assert ("worker", "did not stop in time and is killed") in heard
    assert running.process.returncode == -signal.SIGKILL


async def test_what_a_program_started_itself_is_stopped_with_it(supervisor, heard, shell):
    await supervisor.start(
        shell("worker", "sleep 60 & echo child $!; trap 'exit 0' TERM; while :; do sleep 0.05; done")
    )
    await heard.wait_for("worker", "child")
    await supervisor.stop()
    assert _ends(int(heard[0][1].split()[1]))


async def test_an_impatient_user_need_not_wait_for_the_grace(supervisor, heard, shell):
    await supervisor.start(shell("web", STUBBORN, grace=60))
    await heard.wait_for("web", "ready")
    stopping = asyncio.create_task(supervisor.stop())
    await asyncio.sleep(0.1)
    supervisor.hurry()
    async with asyncio.timeout(2):
        await stopping


async def test_a_store_is_never_hurried(supervisor, heard, shell):
    careful = "trap 'sleep 0.5; echo flushed; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    await supervisor.start(shell("postgres", careful, stage=Stage.STORE, hurries=False))
    await heard.wait_for("postgres", "ready")
    supervisor.hurry()
    await supervisor.stop()
    assert ("postgres", "flushed") in heard


async def test_a_store_is_stopped_with_the_signal_it_wants(supervisor, heard, shell):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits it ignored
    script = "trap 'echo interrupted; exit 0' INT; echo ready; while :; do sleep 0.05; done"
    await supervisor.start(shell("postgres", script, stop_signal=signal.SIGINT))
    await heard.wait_for("postgres", "ready")
    await supervisor.stop()
    assert ("postgres", "interrupted") in heard


async def test_nothing_is_started_again_while_everything_stops(supervisor, heard, shell):
    await supervisor.start(
        shell("web", "trap 'sleep 0.6; exit 0' TERM; echo ready; while :; do sleep 0.05; done", stage=Stage.FRONT)
    )
    crashing = await supervisor.start(shell("worker", "echo ready; sleep 0.3; exit 1"))
    await heard.wait_for("web", "ready")
    await heard.wait_for("worker", "ready")
    await supervisor.stop()
    assert crashing.starts == 1


async def test_what_waits_for_its_next_start_is_not_started_any_more(supervisor, heard, shell):
    running = await supervisor.start(shell("worker", "exit 1"))
    await heard.wait_for("worker", "starting it again")
    await supervisor.stop()
    await asyncio.sleep(0.4)
    assert running.starts == 1


async def test_output_may_go_elsewhere(supervisor, heard, shell, tmp_path):
    log = tmp_path / "log"

    def open_log() -> int:
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    await supervisor.run_once(shell("postgres", "echo quietly", open_output=open_log))
    assert log.read_text() == "quietly\n"
    assert heard == []


async def test_a_program_that_cannot_be_started_is_tried_again(supervisor, heard, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho ready\nexit 1\n")
    program.chmod(0o755)
    await supervisor.start(Service("web", Launch((str(program),), cwd=tmp_path), Stage.FRONT, 1))
    await heard.wait_for("web", "ready")
    program.rename(tmp_path / "away")
    await heard.wait_for("web", "cannot be started")
    (tmp_path / "away").rename(program)
    await heard.wait_for("web", "ready", times=2)


def test_everything_ends_when_the_supervisor_is_killed(tmp_path):
    program = """
import asyncio, os, sys
from pathlib import Path
from asahi_site.embedded.process import Launch
from asahi_site.supervisor import Service, Stage, Supervisor

async def main():
    supervisor = Supervisor(lambda name, line: print(line, flush=True))
    for name in ("web", "worker"):
        launch = Launch(("/bin/sh", "-c", "echo $$; exec sleep 60"), cwd=Path("/"))
        await supervisor.start(Service(name, launch, Stage.WORK, 1))
    await asyncio.Event().wait()

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as host:
        children = [int(host.stdout.readline()) for _ in range(2)]
        host.kill()
    assert all(_ends(child) for child in children)
