"""`make run`: started for the first time, again, twice at once, killed in parts and as a whole, and stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from tests.asahi_site.instance import Instance

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """One instance that goes through all of this module's tests, in their order: each start costs seconds."""
    var = Path(tempfile.mkdtemp(prefix="asahi var "))
    var.chmod(0o711)
    instance = Instance(var)
    yield instance
    if instance.process and instance.process.poll() is None:
        instance.process.kill()
        instance.process.wait()
    deadline = time.monotonic() + 60
    while instance.left_over() and time.monotonic() < deadline:
        time.sleep(0.1)
    shutil.rmtree(var)


@pytest.fixture
def up(instance) -> Instance:
    """The instance, running and whole."""
    if instance.process is None or instance.process.poll() is not None:
        instance.start()
    instance.wait_until_whole()
    return instance


@pytest.fixture
def down(instance) -> Instance:
    """The instance, not running."""
    if instance.process is not None and instance.process.poll() is None:
        assert instance.stop() == 0
    return instance


def _ask(instance: Instance, **fields) -> httpx.Response:
    body = {"model": "asahi", "messages": [{"role": "user", "content": f"hello {time.time_ns()}"}], **fields}
    headers = {"authorization": f"Bearer {instance.demo['api_key']}"}
    return httpx.post(f"{instance.url}/v1/chat/completions", json=body, headers=headers, timeout=30)


def test_the_first_start_says_how_to_get_in_and_it_works(up):
    demo = up.demo
    assert demo.keys() == {"base_url", "api_key", "email", "password"}
    assert demo["base_url"] == up.url
    for word in demo.values():
        assert word in up.said
    answer = _ask(up)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"]


def test_what_is_secret_is_for_its_owner_only(up):
    for name in ("demo.json", "embedded.json", "secrets.json"):
        assert stat.S_IMODE((up.var / name).stat().st_mode) == 0o600


def test_every_process_of_the_product_runs(up):
    expected = {"web", "worker", "beat", "recorder", "simulator", "valkey", "postgres"}
    assert up.pids().keys() == expected


def test_a_second_start_says_where_the_first_one_runs_and_does_no_harm(up):
    second = Instance(up.var)
    second.log = up.var / "second.log"
    assert second.run().wait(30) == 1
    assert f"already running from this directory at {up.url}" in second.said
    assert up.health()["status"] == "ok"


def test_each_process_that_is_killed_comes_back(up):
    for name in ("web", "worker", "recorder", "simulator"):
        before = up.pids()[name]
        os.kill(before, signal.SIGKILL)
        up.wait_until(lambda name=name, before=before: up.pids().get(name, before) != before)
    up.wait_until_whole()
    up.wait_until(lambda: _ask(up).status_code == 200)


def test_a_killed_database_comes_back_with_what_was_committed(up):
    with psycopg.connect(up.endpoints["database_url"], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept_by_test AS SELECT 7 AS n")
        os.kill(up.pids()["postgres"], signal.SIGKILL)
    up.wait_until_whole()
    with psycopg.connect(up.endpoints["database_url"]) as connection:
        assert connection.execute("SELECT n FROM kept_by_test").fetchone() == (7,)


def test_a_killed_valkey_comes_back_with_what_reached_the_disk(up):
    with redis.Redis.from_url(up.endpoints["redis_url"]) as client:
        client.set("kept-by-test", "7")
        client.execute_command("WAITAOF", 1, 0, 5000)
    os.kill(up.pids()["valkey"], signal.SIGKILL)
    up.wait_until(lambda: "valkey    | was killed by SIGKILL" in up.said)
    up.wait_until_whole()
    with redis.Redis.from_url(up.endpoints["redis_url"]) as client:
        assert client.get("kept-by-test") == b"7"


def test_when_all_of_it_is_killed_nothing_is_left_and_the_next_start_goes_on(up):
    before = up.demo
    assert up.stop(signal.SIGKILL) == -signal.SIGKILL
    deadline = time.monotonic() + 45
    while up.left_over():
        assert time.monotonic() < deadline, up.left_over()
        time.sleep(0.1)
    up.start()
    assert up.demo == before
    assert _ask(up).status_code == 200


def test_a_stream_in_flight_is_finished_before_it_stops_and_nothing_is_left(up):
    httpx.post(f"{up.endpoints['simulator_url']}/_control/faults", json={"chunk_ms": 150}).raise_for_status()
    body = {
        "model": "asahi",
        "stream": True,
        "messages": [{"role": "user", "content": f"Tell me about rivers. {time.time_ns()}"}],
    }
    headers = {"authorization": f"Bearer {up.demo['api_key']}"}
    with httpx.stream("POST", f"{up.url}/v1/chat/completions", json=body, headers=headers, timeout=60) as answer:
        lines = (line for line in answer.iter_lines() if line)
        first = next(lines)
        up.process.send_signal(signal.SIGTERM)
        rest = list(lines)
    assert first.startswith("data: {")
    assert rest[-1] == "data: [DONE]"
    assert up.process.wait(60) == 0
    assert up.left_over() == []


def test_it_is_up_again_in_seconds_with_the_same_key_and_password(down):
    before = down.demo
    assert down.start() < 30  # on a busy machine; a quiet one takes four
    assert down.demo == before


def test_an_idle_one_stops_soon_after_ctrl_c_and_nothing_is_left(up):
    began = time.monotonic()
    assert up.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 20
    assert up.left_over() == []
    assert up.said.rstrip().endswith("Stopped.")


@pytest.mark.parametrize("command", [(), ("manage.py", "up", "--mock")])
def test_a_port_in_use_is_named_before_anything_is_started(down, command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert down.run(*command, PORT=str(port)).wait(30) == 1
    assert f"port {port} is in use" in down.said
    assert down.left_over() == []


def test_a_setting_that_is_not_valid_is_named(down):
    assert down.run(ASAHI_CACHE_T1_TTL_SECONDS="soon").wait(30) == 1
    assert "t1_ttl_seconds" in down.said
    assert "Traceback" not in down.said


def test_production_never_falls_back_on_an_embedded_database(down):
    before = (down.var / "embedded.json").read_text()
    assert down.run(ASAHI_SITE_ENVIRONMENT="production", ASAHI_SITE_SECRET_KEY="x" * 50).wait(60) == 1
    assert "must be set when ASAHI_SITE_ENVIRONMENT=production" in down.said
    assert (down.var / "embedded.json").read_text() == before
    assert down.left_over() == []


def test_a_database_that_cannot_be_reached_ends_the_start_with_the_reason(down):
    process = down.run(DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")
    assert process.wait(60) == 1
    assert "could not be prepared" in down.said
    assert "Connection refused" in down.said
    assert down.left_over() == []


def test_a_reader_that_leaves_does_not_take_the_product_with_it(down):
    process = down.process = down.run(output=subprocess.PIPE)
    while b"Asahi is up" not in process.stdout.readline():
        assert process.poll() is None
    process.stdout.close()
    os.kill(down.pids()["worker"], signal.SIGKILL)  # so that there is something to say
    down.wait_until(lambda: "worker" not in down.pids())
    down.wait_until(lambda: "worker" in down.pids())
    assert down.health()["components"]["database"] == "ok"
    assert down.stop() == 0
    assert down.left_over() == []
