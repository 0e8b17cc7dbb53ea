"""A simulator in a process of its own, for tests that need a provider to talk to.

Tests below `tests/inference` ask for `simulator`; others import the fixtures into their own conftest. One process
serves the whole session and is set back to its start before each test. `start_simulator` starts one with other flags.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    # Imported where they are used: each takes a second that most tests need not spend.
    import anthropic
    import cohere
    import openai

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-simulated"


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """Where it listens, and the control endpoints as methods."""

    url: str
    pid: int

    def control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())

    def record(self, prompt: str, text: str, model: str = "*") -> None:
        self.control("POST", "/recordings", {"answers": [{"model": model, "prompt": prompt, "text": text}]})

    def disturb(self, **plan: Any) -> None:
        self.control("POST", "/faults", plan)

    def spoil(self, kind: str, **rule: Any) -> None:
        """Put one fault rule in force."""
        self.disturb(rules=[{"kind": kind, **rule}])

    def pace(self, **plan: Any) -> None:
        """How long batches and work in the background take, and how batches end."""
        self.control("POST", "/batches", plan)

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        return list(self.control("GET", f"/calls?since={since}"))

    def stats(self) -> dict[str, Any]:
        return dict(self.control("GET", "/stats"))

    def wait_for_calls(self, count: int, seconds: float = 5.0) -> list[dict[str, Any]]:
        """The calls, once there are so many: one is entered when its last byte is out, or its client is gone."""
        deadline = time.monotonic() + seconds
        while len(calls := self.calls()) < count:
            assert time.monotonic() < deadline, f"only {len(calls)} of {count} calls were entered"
            time.sleep(0.01)
        return calls


def wait_until(done: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def start_simulator(*flags: str) -> Iterator[RunningSimulator]:
    """Run a simulator on a free port until the block ends."""
    command = [sys.executable, "-m", "inference.simulator", "--port", "0", *flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("simulator: "), f"the simulator did not start: {line!r}"
        try:
            yield RunningSimulator(line.removeprefix("simulator: ").strip(), process.pid)
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[RunningSimulator]:
    with start_simulator() as running:
        yield running


@pytest.fixture
def simulator(simulator_process: RunningSimulator) -> RunningSimulator:
    simulator_process.control("POST", "/reset")
    return simulator_process


@pytest.fixture
def openai_client(simulator: RunningSimulator) -> Iterator[openai.OpenAI]:
    import openai

    with openai.OpenAI(base_url=f"{simulator.url}/openai/v1", api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def anthropic_client(simulator: RunningSimulator) -> Iterator[anthropic.Anthropic]:
    import anthropic

    with anthropic.Anthropic(base_url=f"{simulator.url}/anthropic", api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def cohere_client(simulator: RunningSimulator) -> Iterator[cohere.ClientV2]:
    import cohere

    with cohere.ClientV2(base_url=f"{simulator.url}/cohere", api_key=KEY, timeout=20) as client:
        yield client
