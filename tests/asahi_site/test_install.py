"""Building `.venv`: what is installed when, with a stand-in for the interpreter that would ask the package registry."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from asahi_site.config import BASE_DIR
from asahi_site.embedded import environment


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project whose `.venv` has an interpreter that only writes down what it was asked."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/asked"\n[ ! -e "{tmp_path}/broken" ] || [ "$1" = -c ]\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("one==1\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", python)
    return tmp_path


@pytest.fixture
def build(project, monkeypatch):
    """Build it; the status, and which requirements were installed."""

    def run(*arguments: str) -> tuple[int, list[str]]:
        asked = project / "asked"
        asked.write_text("")
        monkeypatch.setattr(sys, "argv", ["environment.py", *arguments])
        status = environment.main()
        return status, [Path(line.split()[-1]).name for line in asked.read_text().splitlines() if "pip install" in line]

    return run


def test_the_first_time_everything_is_installed(build):
    assert build() == (0, ["requirements.txt"])


def test_the_second_time_nothing_is(build):
    build()
    assert build() == (0, [])


def test_tests_and_checks_need_more(build):
    build()
    assert build("--dev") == (0, ["requirements-dev.txt"])


def test_a_changed_pin_is_installed(build, project):
    build("--dev")
    (project / "requirements.txt").write_text("one==2\n")
    assert build("--dev") == (0, ["requirements.txt"])


def test_a_failure_is_told_and_tried_again_the_next_time(build, project, capsys):
    (project / "broken").touch()
    assert build() == (1, ["requirements.txt"])
    assert "requirements.txt could not be installed" in capsys.readouterr().err
    (project / "broken").unlink()
    assert build() == (0, ["requirements.txt"])


def test_every_package_is_verified_by_its_hash(build, project):
    build("--dev")
    asked = [line for line in (project / "asked").read_text().splitlines() if "pip install" in line]
    assert len(asked) == 2
    assert all("--require-hashes" in line and "--no-deps" in line for line in asked)


def test_it_runs_with_nothing_but_the_standard_library():
    command = [sys.executable, "-I", "-S", str(BASE_DIR / "asahi_site" / "embedded" / "environment.py"), "--help"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
