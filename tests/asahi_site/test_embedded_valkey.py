"""The embedded Valkey: who gets in, and what it keeps."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import time
from pathlib import Path

import pytest
import redis

from asahi_site.embedded.errors import ServerError, StillRunningError
from asahi_site.embedded.server import running, start
from asahi_site.embedded.valkey import EmbeddedValkey
from tests.asahi_site.places import forking_is_fine, processes_in

pytestmark = forking_is_fine


def _valkey(var, **options) -> EmbeddedValkey:
    return EmbeddedValkey(var, password="tests", **options)


@pytest.fixture
def client_of():
    """A client of the server at a URL, closed after the test."""
    clients = []

    def connect(url: str) -> redis.Redis:
        clients.append(redis.Redis.from_url(url))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def test_nobody_gets_in_without_the_password(var, client_of):
    with running(_valkey(var)) as url:
        for wrong in (url.replace(":tests@", ""), url.replace("tests", "guess")):
            with pytest.raises((redis.AuthenticationError, redis.exceptions.NoPermissionError)):
                client_of(wrong).ping()


def test_the_password_is_not_among_its_arguments_and_its_file_is_private(var):
    with running(_valkey(var)):
        (pid,) = processes_in(var / "valkey")
        assert b"tests" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    configuration = var / "valkey" / "valkey.conf"
    assert "tests" in configuration.read_text()
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600


def test_nothing_is_ever_evicted_to_make_room(var, client_of):
    with running(_valkey(var)) as url:
        assert client_of(url).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_the_next_start_has_the_same_data_and_the_same_port(var, client_of):
    with running(_valkey(var)) as first:
        client_of(first).set("kept", "7")
    with running(_valkey(var, previous_url=first)) as second:
        assert client_of(second).get("kept") == b"7"
    assert second == first


def _kill_after_writing(var, client_of) -> None:
    with running(_valkey(var)) as url:
        client = client_of(url)
        client.set("kept", "7")
        client.execute_command("WAITAOF", 1, 0, 5000)
        (pid,) = processes_in(var / "valkey")
        os.kill(pid, signal.SIGKILL)


def test_what_reached_the_disk_survives_a_kill(var, client_of):
    _kill_after_writing(var, client_of)
    with running(_valkey(var)) as url:
        assert client_of(url).get("kept") == b"7"


def test_a_write_that_was_cut_off_halfway_costs_only_itself(var, client_of):
    _kill_after_writing(var, client_of)
    (log,) = (var / "valkey").glob("appendonlydir/*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$5\r\nhal")
    with running(_valkey(var)) as url:
        client = client_of(url)
        assert client.get("kept") == b"7"
        assert client.get("half") is None


def test_an_orphan_is_stopped_and_its_data_taken_over(var, client_of):
    first = _valkey(var)
    first.prepare()
    orphan = start(first)
    first.release()
    deadline = time.monotonic() + 10
    while not (var / "valkey" / "valkey.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with running(_valkey(var)) as url:
        assert client_of(url).ping()
    assert orphan.wait(5) == 0


def test_data_that_something_unknown_holds_on_to_is_left_alone(var, monkeypatch):
    monkeypatch.setattr("asahi_site.embedded.claim._PATIENCE_SECONDS", 0.2)
    first = _valkey(var)
    first.prepare()
    with pytest.raises(StillRunningError, match="valkey"):
        _valkey(var).prepare()
    first.release()


def test_another_server_on_its_port_is_recognised(var, client_of):
    with running(_valkey(var)) as url:
        other = EmbeddedValkey(var, password="another", previous_url=url)
        other._port = int(url.rpartition(":")[2].partition("/")[0])
        with pytest.raises(ServerError, match="port"):
            asyncio.run(other.answers())


def test_it_works_at_any_path(var, client_of):
    deep = var / 'with space\'s and "quotes"' / ("x" * 150) / ("日の出" * 10)
    deep.mkdir(parents=True)
    with running(_valkey(deep)) as url:
        assert client_of(url).ping()
