"""What a run has done so far, on disk: one line an answer, so that an interrupted run goes on where it stopped.

A line reaches the operating system before the next request is sent, so a killed process loses only calls in flight. A
line cut short by a kill is dropped. The file is locked while a run writes it.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path
from types import TracebackType

import msgspec


class StateLockedError(RuntimeError):
    """Another process runs this very replay now."""


class Started(msgspec.Struct, frozen=True, array_like=True, tag="run"):
    """Written whenever the run starts or goes on: which run this is, and since when (seconds since the epoch)."""

    run_id: str
    started_at: float


class Done(msgspec.Struct, frozen=True, array_like=True, tag="row"):
    """One request of one pass, answered or given up (`error`). `lost_nano` was charged for attempts that failed."""

    step: int
    item: int
    request_id: str = ""
    model: str = ""
    tier: str = ""
    cost_nano: int = 0
    original_nano: int = 0
    latency_ms: float = 0.0
    score: float | None = None
    is_own: bool = True
    retries: int = 0
    lost_nano: int = 0
    error: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Started | Done).decode


class RunState:
    """The record of one run. `done` holds the latest line of each (step, item); failed ones are asked again.

    `sessions` counts the processes that worked on the run, this one included.
    """

    def __init__(self, path: Path, *, now: float, restart: bool = False) -> None:
        """Opens and locks the record at `path`, continuing the run in it unless `restart`."""
        self._path = path
        self.done: dict[tuple[int, int], Done] = {}
        self.charged_nano = 0
        self.sessions = 0
        self.started = Started(uuid.uuid4().hex[:12], now)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise StateLockedError(str(path)) from error
        if restart:
            self._file.truncate(0)
        self._read()
        self._write(self.started)

    @property
    def is_resumed(self) -> bool:
        return self.sessions > 1

    def add(self, done: Done) -> None:
        """Records an outcome; when this returns, killing the process does not lose it."""
        self._write(done)

    def finish(self) -> None:
        """Puts the record of a complete run aside, so that the next one starts afresh."""
        self._path.replace(self._path.with_suffix(".done.jsonl"))

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> RunState:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: Started | Done) -> None:
        self._file.write(_encode(line) + b"\n")
        self._file.flush()
        self._take(line)

    def _read(self) -> None:
        """Takes in every whole line; cuts off a last one that a kill left torn."""
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        os.ftruncate(self._file.fileno(), len(whole))
        for line in whole.splitlines():
            self._take(_decode(line))
        self.done = {key: done for key, done in self.done.items() if not done.error}

    def _take(self, line: Started | Done) -> None:
        if isinstance(line, Started):
            self.started = line
            self.sessions += 1
            return
        self.done[line.step, line.item] = line
        self.charged_nano += line.cost_nano + line.lost_nano
