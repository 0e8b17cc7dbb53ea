"""Starting a program that cannot outlive us, as whom it should run, with what it may inherit."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

BARE_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
"""What a server gets to see: nothing of ours, so that no stray PGPORT and no secret reaches it."""


@dataclass(frozen=True, slots=True)
class Account:
    """A system user to run as, when we ourselves are root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one program. `death_signal` is what the kernel sends it should we die without stopping it."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(BARE_ENVIRONMENT), repr=False)
    account: Account | None = None
    inherited: tuple[int, ...] = ()
    death_signal: signal.Signals = signal.SIGTERM


def spawn(
    launch: Launch, *, output: int | IO[bytes], standard_input: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that a Ctrl-C in the terminal reaches us and not it."""
    account = launch.account
    return subprocess.Popen(  # noqa: S603 - our own command lines, no shell
        launch.argv,
        cwd=launch.cwd,
        env=dict(launch.environment),
        stdin=standard_input,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=launch.inherited,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=() if account else None,
        preexec_fn=_leash(launch.death_signal),  # noqa: PLW1509 - nothing that spawns has a second thread
    )


def _leash(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Runs in the child, after it changed users (which would undo it) and before it becomes the program."""
    if _libc is None:
        return None  # elsewhere the next start finds and stops what was left behind
    prctl, parent, number = _libc.prctl, os.getpid(), int(death_signal)

    def die_with_parent() -> None:
        prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return die_with_parent


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal all that a program started with `spawn` has started itself and left in its group, dead or alive."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return
