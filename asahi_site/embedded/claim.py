"""One server per data directory, also after a crash.

The lock is taken on a descriptor that the server inherits, so it is held for as long as the server or anything it
forked lives, whatever became of us. Whoever may start servers here (see `launch`: one supervisor per project) and finds
the lock held has therefore found an orphan, and stops it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

from asahi_site.embedded.errors import StillRunningError
from asahi_site.embedded.process import Account

LOCK_NAME = "asahi.lock"
_PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.05


def try_lock(descriptor: int) -> bool:
    """Whether an exclusive lock could be had at once."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def claim(data: Path, *, pid_file: Path, stop_with: tuple[signal.Signals, ...], account: Account | None) -> int:
    """Lock a data directory and return the descriptor to be inherited, stopping an orphan with ever firmer signals.

    Once it is locked, a pid file is a leftover by definition. It is removed, since after a reboot, or in a new
    container, its number may be that of some other living process, and the server would then refuse to start.
    """
    descriptor = os.open(data / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if account is not None:
        os.fchown(descriptor, account.uid, account.gid)
    locked = try_lock(descriptor)
    for number in stop_with if not locked else ():
        _signal_orphan(data, pid_file, number)
        if locked := _lock_within(descriptor, _PATIENCE_SECONDS):
            break
    if not locked:
        os.close(descriptor)
        raise StillRunningError(f"another process still uses {data} and could not be stopped")
    pid_file.unlink(missing_ok=True)
    return descriptor


def _lock_within(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (locked := try_lock(descriptor)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return locked


def _signal_orphan(data: Path, pid_file: Path, number: signal.Signals) -> None:
    """Signal the process that the pid file names, provided that it is the one that works in this directory."""
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        if _works_in(pid, data):
            os.kill(pid, number)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return  # it is ending already: what is left is to wait for its children


def _works_in(pid: int, data: Path) -> bool:
    """Both servers make their data directory the current one; without /proc the lock alone has to be proof enough."""
    link = Path(f"/proc/{pid}/cwd")
    return not Path("/proc/self/cwd").exists() or (link.exists() and link.samefile(data))
