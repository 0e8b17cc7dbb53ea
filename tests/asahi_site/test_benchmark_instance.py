"""The benchmark's own database, Redis number, tenant and environment; nothing is measured here."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command

from asahi_site.benchmark.databases import DATABASE, NoPlaceError, own_database, own_redis, servers
from asahi_site.benchmark.instance import Databases, child_environment
from asahi_site.benchmark.processes import Process, StartError, pinned
from asahi_site.benchmark.tenant import create_tenant
from asahi_site.embedded.server import running
from asahi_site.embedded.valkey import EmbeddedValkey
from governance.keys import digest_of
from governance.models import ApiKey, Policy

SOMEWHERE = Databases("postgres://there/benchmark", "redis://there/15")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey of these tests' own: they write to every number, and the one of this run may be somebody's."""
    with running(EmbeddedValkey(tmp_path_factory.mktemp("valkey"), password="own", durable=False)) as url:
        yield url


@pytest.fixture
def number(server: str) -> Iterator[Callable[[int], redis.Redis]]:
    """A client of the number asked for; all are empty before and after."""
    with ExitStack() as stack:

        def client_of(number: int) -> redis.Redis:
            return stack.enter_context(redis.Redis.from_url(numbered(server, number), single_connection_client=True))

        yield client_of
    with redis.Redis.from_url(server) as client:
        client.flushall()


def numbered(server: str, number: int) -> str:
    return f"{server.rsplit('/', 1)[0]}/{number}"


def databases_there() -> set[str]:
    with psycopg.connect(settings.DATABASE_URL) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_the_benchmarks_database_exists_only_as_long_as_it_runs():
    with own_database(settings.DATABASE_URL) as url:
        assert url.endswith(f"/{DATABASE}")
        assert DATABASE in databases_there()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE leftover ()")
    assert DATABASE not in databases_there()


def test_what_a_killed_benchmark_left_in_its_database_is_gone():
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    with own_database(settings.DATABASE_URL) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_the_database_of_a_benchmark_that_runs_is_left_alone():
    with own_database(settings.DATABASE_URL) as url, psycopg.connect(url) as connection:
        with pytest.raises(NoPlaceError, match="another benchmark"), own_database(settings.DATABASE_URL):
            pass
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_redis_number_that_holds_anything_is_not_taken(server, number):
    number(15).set("somebody's", "data")
    with own_redis(server) as url:
        assert url == numbered(server, 14)
        number(14).set("measured", 1)
    assert number(14).dbsize() == 0
    assert number(15).get("somebody's") == b"data"


def test_a_redis_number_that_somebody_is_connected_to_is_not_taken(server, number):
    number(15).ping()
    with own_redis(server) as url:
        assert url == numbered(server, 14)


def test_the_redis_number_of_a_killed_benchmark_is_taken_again(server, number):
    with redis.Redis.from_url(numbered(server, 15)) as killed:
        killed.mset({"asahi:benchmark": 1, "leftover": 1})
    with own_redis(server) as url:
        assert url == numbered(server, 15)
        assert not number(15).exists("leftover")


def test_a_redis_without_an_empty_number_is_refused(server, number):
    for taken in range(1, 16):
        number(taken).set("somebody's", "data")
    with pytest.raises(NoPlaceError, match="no empty database number"), own_redis(server):
        pass


def test_only_one_benchmark_runs_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://configured")
    monkeypatch.setenv("REDIS_URL", "redis://configured")
    with servers(tmp_path) as urls:
        assert urls == ("postgres://configured", "redis://configured")
        with pytest.raises(NoPlaceError, match="another benchmark"), servers(tmp_path):
            pass
    with servers(tmp_path):
        pass


def test_the_tenant_has_every_limit_and_a_key_that_is_known(db):
    secret = create_tenant()
    key = ApiKey.objects.get(digest=digest_of(secret))
    policy = Policy.objects.for_org(key.org_id).get()
    limits = (policy.daily_budget_nano, policy.monthly_budget_nano, policy.requests_per_minute)
    assert all(limit is not None for limit in (*limits, policy.tokens_per_minute, policy.max_concurrency))


def test_no_key_to_the_outside_reaches_what_is_measured(tmp_path):
    ours = {
        "PATH": "/bin",
        "OPENAI_API_KEY": "sk",
        "STRIPE_SECRET_KEY": "sk",
        "SENTRY_DSN": "https://there",
        "DATABASE_URL": "postgres://production",
        "ASAHI_SITE_ENVIRONMENT": "production",
        "ASAHI_ENCRYPTION_KEY": "ours",
        "ASAHI_API_MAX_BODY_BYTES": "1000",
    }
    seen = child_environment(SOMEWHERE, tmp_path, ours)
    assert not {"OPENAI_API_KEY", "STRIPE_SECRET_KEY", "SENTRY_DSN"} & seen.keys()
    assert (seen["DATABASE_URL"], seen["REDIS_URL"]) == (SOMEWHERE.database_url, SOMEWHERE.redis_url)
    assert seen["ASAHI_PROVIDERS_SIMULATE"] == "true"
    assert seen["ASAHI_SITE_ENVIRONMENT"] == "development"
    assert seen["ASAHI_ENCRYPTION_KEY"] != "ours"
    assert (seen["PATH"], seen["ASAHI_API_MAX_BODY_BYTES"]) == ("/bin", "1000")


def test_a_process_runs_on_its_cores_and_is_stopped(tmp_path):
    core = min(os.sched_getaffinity(0))
    program = "import os, time; print(os.sched_getaffinity(0), flush=True); time.sleep(60)"
    with pinned(frozenset({core})):
        process = Process("p", (sys.executable, "-c", program), {}, tmp_path, tmp_path / "log")
    assert process.wait_for_line() == f"{{{core}}}"
    assert not process.has_ended()
    process.stop()
    assert process.has_ended()
    assert core in os.sched_getaffinity(0)


def test_a_process_that_ends_at_once_is_a_failed_start_with_its_last_words(tmp_path):
    program = (sys.executable, "-c", "raise SystemExit('no configuration')")
    process = Process("p", program, {}, tmp_path, tmp_path / "log")
    with pytest.raises(StartError, match="no configuration"):
        process.wait_for_port(1)


def test_an_unknown_scenario_is_named_before_anything_starts():
    with pytest.raises(CommandError, match="unknown scenarios: nonsense"):
        call_command("benchmark", "--scenarios", "hit,nonsense")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
