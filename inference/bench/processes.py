"""The processes of a benchmark: pinned to their cores, logged to a file, and gone when it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 15.0


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Run on these cores; what is started meanwhile stays on them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class StartError(Exception):
    """A process of the benchmark did not come up."""


class Service:
    """One running process, with whatever it starts itself."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], cores: frozenset[int], log_dir: Path):
        self.name = name
        self.log_path = log_dir / f"{name}.log"
        with pinned(cores), self.log_path.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own commands
                command, env=env, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for_port(self, port: int) -> None:
        """Wait until the process listens."""
        self._wait_until(lambda: _listens(port))

    def wait_for_line(self) -> str:
        """Wait for the first line that the process prints."""
        self._wait_until(lambda: b"\n" in self.log_path.read_bytes())
        return self.log_path.read_text().splitlines()[0]

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StartError(f"{self.name} did not start:\n{self.log_path.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask the process to end, and end it with all it started if it does not."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
