"""At most one `make run` per project, and a clear word to the second one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asahi_site.embedded.claim import try_lock
from asahi_site.embedded.errors import LaunchError

_LOCK = "up.lock"
_WAIT_SECONDS = 3.0


@contextmanager
def only_one(var: Path, *, url: str) -> Iterator[None]:
    """Hold the project's lock, or raise `LaunchError`. The kernel lets go of it however we end."""
    descriptor = os.open(var / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor)
        _describe(descriptor, {"pid": os.getpid(), "url": url})
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    """Wait a moment, since a restart often meets the last breath of what it replaces."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not try_lock(descriptor):
        if time.monotonic() > deadline:
            raise LaunchError(f"it is already running from this directory{_holder(descriptor)}; stop that one first")
        time.sleep(0.1)


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:  # caught between taking the lock and signing it
        return ""
    return f" at {holder['url']} (process {holder['pid']})"


def _describe(descriptor: int, holder: dict[str, object]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)
