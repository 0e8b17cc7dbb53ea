"""Builds `.venv` from the pinned requirements, or finds it built already.

The Makefile runs this file by its path, before anything is installed: it imports the standard library only, and `-I`
keeps the modules beside it out of its way.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PACKAGES = ("asahi_site", "inference", "caching", "governance", "billing", "analytics", "tests")


class InstallError(RuntimeError):
    """The environment cannot be built here."""


def main() -> int:
    """Install what is missing; quick when nothing is. The exit status."""
    parser = argparse.ArgumentParser(description="Build .venv.")
    parser.add_argument("--dev", action="store_true", help="also install what checks and tests need")
    dev = parser.parse_args().dev
    files = [ROOT / "requirements.txt", *([ROOT / "requirements-dev.txt"] if dev else [])]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once here, or anew in every process that starts
    try:
        with _only_one():
            missing = [file for file in files if not _is_installed(file)]
            if missing:
                _ensure_venv()
            for file in missing:
                _install(file)
        _compile()
        _build_models()
    except InstallError as error:
        sys.stderr.write(f"asahi: {error}\n")
        return 1
    return 0


class _only_one:  # noqa: N801 - reads as the words it stands for
    """Two installations into one environment would tread on each other: the second waits for the first."""

    def __enter__(self) -> None:
        (ROOT / "var").mkdir(exist_ok=True)
        self._file = (ROOT / "var" / "install.lock").open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _ensure_venv() -> None:
    """A working environment with pip. One that was interrupted while it was made is made anew."""
    if PYTHON.exists() and _run(PYTHON, "-c", "import pip") == 0:
        return
    _say("creating .venv")
    if _run(sys.executable, "-m", "venv", "--clear", VENV) != 0:
        raise InstallError("Python's venv module does not work here; on Debian, install python3-venv")


def _install(file: Path) -> None:
    """Exactly what the file pins: every hash is checked, and nothing is resolved, since the file is complete."""
    _say(f"installing {file.name}")
    pip = (PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input", "--no-deps")
    if _run(*pip, "--require-hashes", "-r", file) != 0:
        raise InstallError(f"{file.name} could not be installed; pip says why above")
    _stamp_of(file).write_text(_digest(file))


def _is_installed(file: Path) -> bool:
    stamp = _stamp_of(file)
    return PYTHON.exists() and stamp.exists() and stamp.read_text() == _digest(file)


def _stamp_of(file: Path) -> Path:
    return VENV / f".installed-{file.name}"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _compile() -> None:
    _run(PYTHON, "-m", "compileall", "-q", *(name for name in PACKAGES if (ROOT / name).is_dir()))


def _build_models() -> None:
    """What the local embedder runs, from the weights just installed; a moment when it is there already."""
    if _run(PYTHON, "-m", "caching.embeddings.build") != 0:
        _say("the local embedding model could not be built: the semantic cache stays off until it is")


def _run(*command: str | Path) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - our own command lines


def _say(text: str) -> None:
    sys.stdout.write(f"asahi: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
