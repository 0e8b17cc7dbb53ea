"""A second start from the same directory, and from another one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from asahi_site import oneup
from asahi_site.embedded.errors import LaunchError
from asahi_site.oneup import only_one


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch):
    monkeypatch.setattr(oneup, "_WAIT_SECONDS", 0.1)


def test_the_second_one_is_told_where_the_first_one_is(tmp_path):
    where = rf"http://127.0.0.1:8000 \(process {os.getpid()}\)"
    second = only_one(tmp_path, url="http://127.0.0.1:9000")
    with only_one(tmp_path, url="http://127.0.0.1:8000"), pytest.raises(LaunchError, match=where), second:
        pass


def test_another_directory_is_another_matter(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with only_one(tmp_path, url="a"), only_one(other, url="b"):
        assert "b" in (other / "up.lock").read_text()


def test_the_next_one_may_start_after_the_first_one_ended(tmp_path):
    for url in ("first", "second"):
        with only_one(tmp_path, url=url):
            assert url in (tmp_path / "up.lock").read_text()


def test_one_that_was_killed_is_not_in_the_way(tmp_path):
    program = (
        "import pathlib, time; from asahi_site.oneup import only_one\n"
        f"with only_one(pathlib.Path({str(tmp_path)!r}), url='killed'):\n print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with pytest.raises(LaunchError, match="killed"), only_one(tmp_path, url="next"):
            pass
        holder.kill()
    with only_one(tmp_path, url="next"):
        assert "next" in (tmp_path / "up.lock").read_text()


def test_a_holder_that_has_not_signed_yet_is_a_holder_all_the_same(tmp_path):
    with only_one(tmp_path, url="a"):
        (tmp_path / "up.lock").write_text("")
        with pytest.raises(LaunchError, match="already running"), only_one(tmp_path, url="b"):
            pass


def test_only_the_owner_may_read_who_holds_it(tmp_path):
    with only_one(tmp_path, url="a"):
        assert stat.S_IMODE((tmp_path / "up.lock").stat().st_mode) == 0o600
