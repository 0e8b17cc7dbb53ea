"""The embedded Postgres: what it serves, to whom, and what it survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from asahi_site.embedded.errors import PlacementError, ServerError
from asahi_site.embedded.postgres import EmbeddedPostgres
from asahi_site.embedded.server import running, start
from tests.asahi_site.places import forking_is_fine, processes_in

pytestmark = forking_is_fine


def _postgres(var: Path, **options) -> EmbeddedPostgres:
    return EmbeddedPostgres(var, password="tests", **{"durable": False, **options})


def _wait_for(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_every_database_made_later_has_vectors(var):
    with running(_postgres(var)) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE later")
        with psycopg.connect(url.removesuffix("asahi") + "later") as connection:
            row = connection.execute("SELECT '[1,2,3]'::vector <-> '[1,2,5]'::vector").fetchone()
    assert row == (2.0,)


def test_the_products_own_user_is_bound_by_row_level_security(var):
    with running(_postgres(var)) as url, psycopg.connect(url) as connection:
        row = connection.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False, False)


def test_nobody_gets_in_without_the_password(var):
    with running(_postgres(var)) as url:
        for wrong in (url.replace(":tests@", ":guess@"), url.replace(":tests@", "@")):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(wrong)


def test_the_superuser_cannot_log_in(var):
    with running(_postgres(var)) as url, pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace("asahi:tests@", "postgres:tests@"))


def test_it_listens_on_loopback_only_and_has_no_socket_file(var):
    server = _postgres(var)
    with running(server) as url:
        port = url.rpartition(":")[2].partition("/")[0]
        assert _listeners(port) == ["0100007F"]  # 127.0.0.1, as the kernel writes it
        assert not list(server.data.parent.rglob(".s.PGSQL.*"))


def test_a_product_that_keeps_data_does_not_trade_it_for_speed(var):
    with running(_postgres(var, durable=True)) as url, psycopg.connect(url) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",)


def test_the_next_start_has_the_same_data_and_the_same_port(var):
    with running(_postgres(var)) as first, psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with running(_postgres(var, previous_url=first)) as second, psycopg.connect(second) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    assert second == first


def test_what_was_committed_survives_a_kill(var):
    server = _postgres(var, durable=True)
    with running(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        (postmaster,) = [pid for pid in processes_in(server.data) if _parent(pid) == os.getpid()]
        os.kill(postmaster, signal.SIGKILL)
        _wait_for(lambda: not processes_in(server.data) or _only_zombies(server.data))
    with running(_postgres(var)) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_it_ends_when_whoever_started_it_is_killed_and_its_data_serves_the_next(var):
    with subprocess.Popen(
        [sys.executable, "-m", "tests.asahi_site.embedded_host", str(var)], stdout=subprocess.PIPE, text=True
    ) as host:
        url = host.stdout.readline().split()[0]
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        host.kill()
    _wait_for(lambda: not processes_in(var / "postgres") and not processes_in(var / "valkey"))
    with running(_postgres(var)) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_an_orphan_is_stopped_and_its_data_taken_over(var):
    first = _postgres(var)
    first.prepare()
    orphan = start(first)
    first.release()
    _wait_for((first.data / "postmaster.pid").exists)
    with running(_postgres(var)) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert orphan.wait(5) == 0


def test_a_pid_file_that_names_some_other_living_process_does_not_stop_it(var):
    server = _postgres(var)
    with running(server):
        pass
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (server.data / "postmaster.pid").write_text(f"{bystander.pid}\n{server.data}\n")
        with running(_postgres(var)) as url, psycopg.connect(url):
            assert bystander.poll() is None
        bystander.kill()


def test_a_start_that_was_interrupted_halfway_is_made_good_by_the_next(var):
    (var / "postgres.new").mkdir()
    (var / "postgres.new" / "PG_VERSION").write_text("18\n")
    with running(_postgres(var)) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_that_fails_leaves_nothing_of_itself_in_the_log(var):
    server = _postgres(var)
    with running(server) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE once (prompt text UNIQUE)")
        connection.execute("INSERT INTO once VALUES ('a private prompt')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO once VALUES ('a private prompt')")
    assert "private" not in server.log.read_text()


def test_another_majors_data_is_refused_with_the_way_out(var):
    server = _postgres(var)
    with running(server):
        pass
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerError, match="pg_dump"), running(_postgres(var)):
        pass


def test_a_wrong_password_in_our_own_files_is_named_at_once(var):
    with running(_postgres(var)):
        pass
    with pytest.raises(ServerError, match="password"), running(EmbeddedPostgres(var, password="another")):
        pass


def test_a_server_that_ends_while_it_starts_is_reported_with_its_log(var):
    server = _postgres(var)
    with running(server):
        pass
    with (server.data / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(ServerError, match="no_such_setting"), running(_postgres(var)):
        pass


@pytest.mark.parametrize(
    "name", ['with space\'s and "quotes"', "日の出", "x" * 120 + "/" + "y" * 120 + "/" + "z" * 120]
)
def test_it_works_at_any_path(var, name):
    deep = var / name
    deep.mkdir(parents=True)
    with running(_postgres(deep)) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_path_too_long_for_postgres_is_named_before_anything_is_made(var):
    deep = var.joinpath(*["x" * 200] * 4)
    with pytest.raises(PlacementError, match="800 bytes"):
        _postgres(deep).prepare()


def _listeners(port: str) -> list[str]:
    """The addresses on which somebody listens at this port."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[1].endswith(f":{int(port):04X}")]


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _only_zombies(directory: Path) -> bool:
    return all(_parent(pid) == os.getpid() for pid in processes_in(directory))
