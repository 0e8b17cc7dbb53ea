"""Whether a start has anything to prepare first, and static files that are collected only when they changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.test import override_settings

from asahi_site.prepared import Preparedness
from asahi_site.statics import collect_when_changed


@pytest.fixture
def project(tmp_path) -> Path:
    for name in ("requirements.txt", "billing/migrations/0001_initial.py", "static/js/page.js", "data/PG_VERSION"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")
    return tmp_path


def _preparedness(project: Path) -> Preparedness:
    return Preparedness(project, data=project / "data", stamp=project / "prepared")


def test_the_first_start_is_not_prepared(project):
    assert not _preparedness(project).is_current()


def test_the_next_start_is(project):
    _preparedness(project).note()
    assert _preparedness(project).is_current()


@pytest.mark.parametrize("name", ["requirements.txt", "billing/migrations/0001_initial.py", "static/js/page.js"])
def test_a_changed_file_has_to_be_prepared_for(project, name):
    _preparedness(project).note()
    (project / name).write_text("changed")
    assert not _preparedness(project).is_current()


def test_a_new_migration_has_to_be_prepared_for(project):
    _preparedness(project).note()
    (project / "billing" / "migrations" / "0002_more.py").write_text("more")
    assert not _preparedness(project).is_current()


def test_a_new_database_has_to_be_prepared_for(project):
    _preparedness(project).note()
    (project / "data").rename(project / "old")
    (project / "data").mkdir()
    (project / "data" / "PG_VERSION").write_text("first")
    assert not _preparedness(project).is_current()


def test_what_changed_while_it_was_prepared_is_prepared_for_by_the_next_start(project):
    during = _preparedness(project)
    (project / "static/js/page.js").write_text("changed")
    during.note()
    assert not _preparedness(project).is_current()


@pytest.fixture
def statics(tmp_path, settings):
    """A project with one asset of its own."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "page.js").write_text("let a = 1; " * 200)
    storages = {**settings.STORAGES, "staticfiles": {"BACKEND": "asahi_site.static_storage.StaticFilesStorage"}}
    with override_settings(
        STATIC_ROOT=tmp_path / "collected",
        STATICFILES_DIRS=[own],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        STORAGES=storages,
    ):
        yield own


def test_assets_are_collected_under_changing_names_and_compressed(statics, tmp_path):
    assert collect_when_changed()
    names = {path.name for path in (tmp_path / "collected").iterdir()}
    assert any(name.startswith("page.") and name.endswith(".js.br") and name.count(".") == 3 for name in names)
    assert any(name.endswith(".js.gz") for name in names)


def test_nothing_is_collected_when_nothing_changed(statics):
    collect_when_changed()
    assert not collect_when_changed()


def test_a_changed_asset_is_collected(statics):
    collect_when_changed()
    (statics / "page.js").write_text("let b = 2; " * 300)
    assert collect_when_changed()


def test_lost_assets_are_collected_again(statics, tmp_path):
    collect_when_changed()
    shutil.rmtree(tmp_path / "collected")
    assert collect_when_changed()
