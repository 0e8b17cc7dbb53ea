"""What the embedded servers have in common, and running one for as long as a block lasts."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from asahi_site.embedded.errors import ServerError
from asahi_site.embedded.process import Launch, signal_group, spawn

_READY_WITHIN_SECONDS = 120.0  # recovery after a crash reads the whole write-ahead log
_STOPPED_WITHIN_SECONDS = 30.0
_LOG_LIMIT_BYTES = 5_000_000
_TAIL_BYTES = 2000


class EmbeddedServer(Protocol):
    """A database that we start ourselves."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str:
        """How clients reach it; known once it is prepared."""

    @property
    def log(self) -> Path: ...

    @property
    def stop_signal(self) -> signal.Signals:
        """What makes it stop in good order at once."""

    def prepare(self) -> None:
        """Create its data when there is none, take possession of it, and choose a port."""

    def launch(self) -> Launch:
        """How to start it, again and again."""

    async def answers(self) -> bool:
        """Whether it serves clients now. Raises `ServerError` when it never will."""

    def release(self) -> None:
        """Give up possession of its data."""


def open_log(server: EmbeddedServer) -> int:
    """A descriptor for a server to write its log to. A pipe would stall it with whoever reads the other end."""
    server.log.parent.mkdir(parents=True, exist_ok=True)
    if server.log.exists() and server.log.stat().st_size > _LOG_LIMIT_BYTES:
        server.log.replace(server.log.with_suffix(".log.1"))
    return os.open(server.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


async def wait_until_ready(server: EmbeddedServer, is_running: Callable[[], bool]) -> None:
    """Return once it serves clients; raise `ServerError` when it ended instead, or takes forever."""
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if not is_running():
            raise ServerError(f"{server.name} ended while it was starting:\n{_tail(server.log)}")
        if await server.answers():
            return
        await asyncio.sleep(0.03)
    raise ServerError(f"{server.name} did not become ready in {_READY_WITHIN_SECONDS:g} s:\n{_tail(server.log)}")


@contextmanager
def running(server: EmbeddedServer) -> Iterator[str]:
    """Its URL, while it runs. For tests and scripts; `make run` has a supervisor that restarts it too."""
    server.prepare()
    try:
        process = start(server)
        try:
            asyncio.run(wait_until_ready(server, lambda: process.poll() is None))
            yield server.url
        finally:
            _stop(server, process)
    finally:
        server.release()


def start(server: EmbeddedServer) -> subprocess.Popen[bytes]:
    """Start a prepared server, writing to its log."""
    log = open_log(server)
    try:
        return spawn(server.launch(), output=log)
    finally:
        os.close(log)


def _stop(server: EmbeddedServer, process: subprocess.Popen[bytes]) -> None:
    process.send_signal(server.stop_signal)
    try:
        process.wait(_STOPPED_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        signal_group(process, signal.SIGKILL)
        process.wait()


def _tail(log: Path) -> str:
    return log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace") if log.exists() else ""
