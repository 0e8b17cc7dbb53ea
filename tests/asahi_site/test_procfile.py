"""Reading the Procfile."""

from __future__ import annotations

import subprocess
import sys

import pytest

from asahi_site.config import BASE_DIR
from asahi_site.embedded.errors import LaunchError
from asahi_site.procfile import read_procfile


@pytest.fixture
def procfile(tmp_path):
    """The commands that a Procfile of these lines comes to."""

    def read(text: str, **environment: str) -> dict[str, tuple[str, ...]]:
        path = tmp_path / "Procfile"
        path.write_text(text)
        return read_procfile(path, environment)

    return read


def test_names_and_commands_are_read_and_comments_are_not(procfile):
    assert procfile("# all of it\n\nweb: serve --fast\nworker:work\n") == {
        "web": ("serve", "--fast"),
        "worker": ("work",),
    }


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${PORT:-8000}", "9000"),
        ("${HOST:-127.0.0.1}", "127.0.0.1"),
        ("${EMPTY:-default}", "default"),
        ("$PORT", "9000"),
        ("${PORT}", "9000"),
        ("${MISSING}", ""),
        ("http://${HOST:-localhost}:$PORT/", "http://localhost:9000/"),
    ],
)
def test_variables_are_filled_in_as_a_shell_would(procfile, word, expected):
    assert procfile(f"web: serve {word}", PORT="9000", EMPTY="")["web"] == ("serve", expected)


def test_a_value_with_spaces_stays_one_argument(procfile):
    command = procfile('web: serve "${VAR:-var}/file" end', VAR="/my data; rm -rf $HOME")["web"]
    assert command == ("serve", "/my data; rm -rf $HOME/file", "end")


def test_python_is_the_one_that_runs_us(procfile):
    assert procfile("web: python -m serve")["web"] == (sys.executable, "-m", "serve")


def test_a_line_that_is_not_understood_is_named(procfile):
    with pytest.raises(LaunchError, match="line 2"):
        procfile("web: serve\nnonsense\n")


def test_our_own_procfile_starts_every_process_of_the_product():
    commands = read_procfile(BASE_DIR / "Procfile", {"PORT": "9000"})
    assert list(commands) == ["web", "worker", "beat", "recorder", "simulator"]
    assert commands["web"][commands["web"].index("--port") + 1] == "9000"
    assert commands["web"][commands["web"].index("--host") + 1] == "127.0.0.1"


def test_a_container_can_become_one_process_of_it():
    shown = subprocess.run(
        [sys.executable, "-m", "asahi_site.procfile", "nothing"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 2
    assert "{web,worker,beat,recorder,simulator}" in shown.stderr
