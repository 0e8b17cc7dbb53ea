"""Secrets made once and kept."""

from __future__ import annotations

import json
import stat

import pytest

from asahi_site.embedded.credentials import load_or_create, read_private, write_private


def test_they_are_made_once(tmp_path):
    path = tmp_path / "secrets.json"
    assert load_or_create(path) == load_or_create(path)


def test_each_project_has_its_own(tmp_path):
    assert load_or_create(tmp_path / "a.json") != load_or_create(tmp_path / "b.json")


def test_they_are_strong_enough_for_what_they_are_used_for(tmp_path):
    credentials = load_or_create(tmp_path / "secrets.json")
    assert len(bytes.fromhex(credentials.encryption_key)) == 32
    assert len(credentials.secret_key) >= 50
    assert len(credentials.postgres_password) >= 32
    assert len(credentials.valkey_password) >= 32


def test_only_their_owner_may_read_them(tmp_path):
    path = tmp_path / "secrets.json"
    load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_that_is_missing_is_added_and_the_others_stay(tmp_path):
    path = tmp_path / "secrets.json"
    first = load_or_create(path)
    content = json.loads(path.read_text())
    del content["valkey_password"]
    path.write_text(json.dumps(content))
    second = load_or_create(path)
    assert second.encryption_key == first.encryption_key
    assert second.valkey_password != first.valkey_password
    assert load_or_create(path) == second


def test_they_are_not_printed(tmp_path):
    credentials = load_or_create(tmp_path / "secrets.json")
    assert credentials.encryption_key not in repr(credentials)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "demo.json"
    write_private(path, {"api_key": "old"})
    with pytest.raises(TypeError):
        write_private(path, {"api_key": object()})
    assert read_private(path) == {"api_key": "old"}
    assert [file.name for file in tmp_path.iterdir()] == ["demo.json"]


def test_a_file_that_is_not_there_is_empty(tmp_path):
    assert read_private(tmp_path / "none.json") == {}
