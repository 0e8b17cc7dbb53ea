"""The access log: a line per answer, and no request that waits for whoever reads them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from inference import access_log
from inference.access_log import AccessLog
from tests.analytics.happenings import finished


class Output:
    """A standard output that takes lines only while it is `read`."""

    def __init__(self) -> None:
        self.read = threading.Event()
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.read.wait(10)
        self.written.append(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for text in self.written for line in text.splitlines()]


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Output:
    output = Output()
    monkeypatch.setattr(access_log, "sys", SimpleNamespace(stdout=output))
    return output


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "_FLUSH_SECONDS", 0.01)


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_answer_is_one_line(output: Output) -> None:
    output.read.set()

    async def go() -> None:
        log = AccessLog()
        log.say(finished("org"), simulated=True)
        log.say(finished("org", tier=1), simulated=False)
        await asyncio.sleep(0.05)

    asyncio.run(go())
    _until(lambda: len(output.lines()) == 2)
    first, second = output.lines()
    assert (first["event"], first["org_id"], first["cost_nano"], first["simulated"]) == (
        "inference",
        "org",
        220_000,
        True,
    )
    assert (second["cache_hit"], second["tier"]) == (True, 1)


def test_an_output_that_nobody_reads_takes_one_thread_and_no_other_work(output: Output) -> None:
    async def go() -> tuple[int, float]:
        log, threads = AccessLog(), threading.active_count()
        for _ in range(40):
            log.say(finished("org"), simulated=False)
            await asyncio.sleep(0.015)
        taken = threading.active_count() - threads
        asked_at = time.monotonic()
        await asyncio.to_thread(int)
        return taken, time.monotonic() - asked_at

    taken, waited = asyncio.run(go())
    output.read.set()
    assert taken == 1
    assert waited < 0.5
    _until(lambda: len(output.lines()) == 40)


def test_what_a_slow_reader_has_no_room_for_is_dropped(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "_MOST_BATCHES", 3)

    async def go() -> None:
        log = AccessLog()
        for _ in range(20):
            log.say(finished("org"), simulated=False)
            await asyncio.sleep(0.015)

    asyncio.run(go())
    output.read.set()
    _until(lambda: len(output.lines()) >= 4)
    time.sleep(0.05)
    assert len(output.lines()) == 4, "the batch being written and those that had room"


def test_an_output_that_failed_is_written_to_again(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    output.read.set()
    failing = [BrokenPipeError(), ValueError("I/O operation on closed file")]

    def write(text: str) -> None:
        if failing:
            raise failing.pop()
        output.written.append(text)

    monkeypatch.setattr(output, "write", write)

    async def go() -> None:
        log = AccessLog()
        for _ in range(3):
            log.say(finished("org"), simulated=False)
            await asyncio.sleep(0.05)

    asyncio.run(go())
    _until(lambda: len(output.lines()) == 1)
