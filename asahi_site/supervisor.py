"""Keeps a set of programs running, and ends them in the right order without leaving one behind.

Everything happens in one thread of one event loop: programs are forked from it, which is only sound without a second
thread, and their ends are learned from SIGCHLD.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from asahi_site.embedded.process import Launch, signal_group, spawn

_FIRST_DELAY = 0.25
_LONGEST_DELAY = 10.0
_LAST_WORDS_SECONDS = 1.0
_LONGEST_LINE = 65_536
_STEADY_AFTER_SECONDS = 20.0
"""A program that ran for this long has proved itself: its next crash is met with the first delay again."""


class Stage(IntEnum):
    """When a program is told to stop; each stage is gone before the next one is told."""

    FRONT = 0
    WORK = 1
    RECORD = 2
    STORE = 3


@dataclass(frozen=True, slots=True)
class Service:
    """A program to keep running. `grace` is how many seconds it may take to stop before it is killed."""

    name: str
    launch: Launch
    stage: Stage
    grace: float
    stop_signal: signal.Signals = signal.SIGTERM
    hurries: bool = True
    """Whether an impatient user may cut its grace short. A database may not be hurried."""
    open_output: Callable[[], int] | None = None
    """Where its output goes: a new descriptor per start. By default to the supervisor's own, behind its name."""


@dataclass(eq=False)
class Running:
    """A service and the process that currently embodies it."""

    service: Service
    process: subprocess.Popen[bytes] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    all_said: asyncio.Event | None = None
    starts: int = 0
    wanted: bool = True
    keeper: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Starts services, restarts those that end by themselves, and stops them all stage by stage."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self._say = say
        self._all: list[Running] = []
        self._hurry = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._notice_ends)

    async def start(self, service: Service) -> Running:
        """Start a service and keep it running from now on."""
        running = Running(service)
        self._all.append(running)
        await self._spawn(running)
        running.keeper = asyncio.create_task(self._keep(running))
        return running

    async def run_once(self, service: Service) -> int:
        """Run a program to its end; its exit status, negative for a signal as Python has it."""
        running = Running(service)
        self._all.append(running)
        try:
            process = await self._spawn(running)
            await running.ended.wait()
        finally:
            await self._stop([running])
            self._all.remove(running)
        return process.returncode

    async def stop(self) -> None:
        """Stop everything, the front first and the stores last."""
        for running in self._all:
            running.wanted = False
        for stage in Stage:
            await self._stop([running for running in self._all if running.service.stage == stage])
        self._all.clear()

    def hurry(self) -> None:
        """Do not wait any longer for what can be killed without harm."""
        self._hurry.set()

    async def _spawn(self, running: Running) -> subprocess.Popen[bytes]:
        service = running.service
        output = service.open_output() if service.open_output else await self._open_prefixed(running)
        running.ended = asyncio.Event()
        running.starts += 1
        try:
            running.process = spawn(service.launch, output=output)
        finally:
            os.close(output)
        return running.process

    async def _open_prefixed(self, running: Running) -> int:
        """The writing end of a pipe whose lines are said under the service's name."""
        reader, writer = os.pipe()
        lines = _Lines(lambda line: self._say(running.service.name, line))
        running.all_said = lines.ended
        await asyncio.get_running_loop().connect_read_pipe(lambda: lines, os.fdopen(reader, "rb"))
        return writer

    async def _keep(self, running: Running) -> None:
        """Start a service again whenever it ends by itself, more slowly each time it does so early."""
        delay = _FIRST_DELAY
        while True:
            since = time.monotonic()
            await running.ended.wait()
            assert running.process is not None
            if not running.wanted:
                return
            signal_group(running.process, signal.SIGKILL)  # what a killed parent left behind
            if time.monotonic() - since > _STEADY_AFTER_SECONDS:
                delay = _FIRST_DELAY
            problem = _describe(running.process.returncode)
            while problem:
                self._say(running.service.name, f"{problem}; starting it again in {delay:g} s")
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY)
                problem = await self._try_spawn(running)

    async def _try_spawn(self, running: Running) -> str:
        """What went wrong; empty when it runs."""
        try:
            await self._spawn(running)
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        return ""

    async def _stop(self, stage: Sequence[Running]) -> None:
        for running in stage:
            running.wanted = False
            if running.keeper is not None and not running.is_alive:
                running.keeper.cancel()
            if running.is_alive and running.process is not None:
                running.process.send_signal(running.service.stop_signal)
        await asyncio.gather(*(self._see_off(running) for running in stage))

    async def _see_off(self, running: Running) -> None:
        """Wait for the end of one process as long as its grace lasts, then put an end to it and all it started."""
        process = running.process
        if process is None:
            return
        if not await self._ends_within(running):
            self._say(running.service.name, "did not stop in time and is killed")
            signal_group(process, signal.SIGKILL)
            await running.ended.wait()
        signal_group(process, signal.SIGKILL)
        if running.all_said is not None:
            await asyncio.wait([asyncio.create_task(running.all_said.wait())], timeout=_LAST_WORDS_SECONDS)
        if running.keeper is not None:
            await asyncio.gather(running.keeper, return_exceptions=True)

    async def _ends_within(self, running: Running) -> bool:
        waits = [asyncio.create_task(running.ended.wait())]
        if running.service.hurries:
            waits.append(asyncio.create_task(self._hurry.wait()))
        await asyncio.wait(waits, timeout=running.service.grace, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return running.ended.is_set()

    def _notice_ends(self) -> None:
        for running in self._all:
            if running.process is not None and not running.is_alive:
                running.ended.set()


class _Lines(asyncio.Protocol):
    """Cuts what a pipe delivers into lines."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._rest = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._say(line.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._rest:
            self._say(self._rest.decode(errors="replace"))
        self.ended.set()


def _describe(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
