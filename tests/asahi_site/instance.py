"""The whole product, started as `make run` starts it, in a `var` directory of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from asahi_site.config import BASE_DIR
from asahi_site.embedded.ports import choose_port
from tests.asahi_site.places import processes_in

PATIENCE_SECONDS = 90.0

_CONFIGURED = ("DATABASE_URL", "REDIS_URL", "ASAHI_VAR_DIR")


class Instance:
    """One project's product: started and stopped as often as a test likes."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.port = choose_port()
        self.log = var / "up.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def demo(self) -> dict[str, Any]:
        return json.loads((self.var / "demo.json").read_text())

    @property
    def endpoints(self) -> dict[str, Any]:
        return json.loads((self.var / "embedded.json").read_text())

    def run(self, *command: str, output: int | None = None, **environment: str) -> subprocess.Popen[bytes]:
        """Start it without waiting for anything. What it says goes to `log`, unless to `output`."""
        inherited = {name: value for name, value in os.environ.items() if name not in _CONFIGURED}
        own = {"ASAHI_VAR_DIR": str(self.var), "PORT": str(self.port), **environment}
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, *(command or ("-m", "asahi_site.launch"))],
                cwd=BASE_DIR,
                env={**inherited, **own},
                stdin=subprocess.DEVNULL,
                stdout=log if output is None else output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self) -> float:
        """Start it and wait until it greets. How many seconds that took."""
        began = time.monotonic()
        self.process = self.run()
        self.wait_until(lambda: "Asahi is up" in self.said)
        return time.monotonic() - began

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the supervisor, wait for its end, and return its status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def health(self) -> dict[str, Any]:
        try:
            return httpx.get(f"{self.url}/health", timeout=5).json()
        except (httpx.TransportError, ValueError):
            return {}

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            ended = self.process is not None and self.process.poll() is not None
            assert not ended, f"it ended by itself:\n{self.said}"
            assert time.monotonic() < deadline, f"it did not happen in time:\n{self.said}"
            time.sleep(0.05)

    def wait_until_whole(self) -> None:
        self.wait_until(lambda: self.health().get("status") == "ok")

    def pids(self) -> dict[str, int]:
        """The supervisor's own children, by what they are."""
        assert self.process is not None
        marks = {"uvicorn": "web", " worker ": "worker", " beat ": "beat", "recorder": "recorder"}
        marks |= {"simulator": "simulator", "valkey-server": "valkey", "postgres -D": "postgres"}
        found = {}
        for child in _children_of(self.process.pid):
            command = _command_of(child)
            found.update({name: child for mark, name in marks.items() if mark in command})
        return found

    def left_over(self) -> list[str]:
        """The commands of all processes that still work for this instance."""
        variable = f"ASAHI_VAR_DIR={self.var}\0".encode()
        data = [pid for name in ("postgres", "valkey") for pid in processes_in((self.var / name).resolve())]
        return [_command_of(pid) for pid in {*data, *(pid for pid in _all_pids() if variable in _environment_of(pid))}]


def _all_pids() -> list[int]:
    return [
        int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()
    ]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _environment_of(pid: int) -> bytes:
    return _read(pid, "environ")


def _command_of(pid: int) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace")


def _children_of(parent: int) -> list[int]:
    return [
        pid
        for pid in _all_pids()
        if (stat := _read(pid, "stat")) and stat.rpartition(b")")[2].split()[1] == b"%d" % parent
    ]
