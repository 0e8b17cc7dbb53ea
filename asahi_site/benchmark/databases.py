"""A Postgres database and a Redis number that belong to the benchmark alone, on servers configured or embedded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from redis import Redis

from asahi_site.config import redis_url_from_environment
from asahi_site.embedded.claim import try_lock
from asahi_site.embedded.credentials import load_or_create
from asahi_site.embedded.postgres import EmbeddedPostgres
from asahi_site.embedded.server import running
from asahi_site.embedded.valkey import EmbeddedValkey

DATABASE = "asahi_benchmark"
_OURS = "asahi:benchmark"
_REDIS_NUMBERS = range(15, 0, -1)


class NoPlaceError(Exception):
    """There is nowhere to put the benchmark's data. The message says what can be done."""


@contextmanager
def servers(var: Path) -> Iterator[tuple[str, str]]:
    """URLs of a Postgres and a Redis: those of the environment, else embedded ones with their data below `var`."""
    var.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_alone(var / "lock"))
        credentials = load_or_create(var / "secrets.json")
        database_url = os.environ.get("DATABASE_URL", "") or stack.enter_context(
            running(EmbeddedPostgres(var, password=credentials.postgres_password))
        )
        redis_url = redis_url_from_environment() or stack.enter_context(
            running(EmbeddedValkey(var, password=credentials.valkey_password))
        )
        yield database_url, redis_url


@contextmanager
def own_database(server_url: str) -> Iterator[str]:
    """The URL of a fresh database on that server, dropped in the end."""
    name = sql.Identifier(DATABASE)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_stat_activity WHERE datname = %s", [DATABASE]).fetchone():
            raise NoPlaceError(f"another benchmark is using the database {DATABASE}")
        connection.execute(drop)  # what a killed run left
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield urlunsplit(urlsplit(server_url)._replace(path=f"/{DATABASE}"))
        finally:
            connection.execute(drop)


@contextmanager
def own_redis(server_url: str) -> Iterator[str]:
    """The URL of a database number on that server in which there was nothing, emptied again in the end."""
    url = next((url for url in _numbered(server_url) if _may_take(url)), None)
    if url is None:
        raise NoPlaceError("no empty database number on this Redis: unset REDIS_URL to measure on an embedded one")
    with Redis.from_url(url) as redis:
        redis.flushdb()
        redis.set(_OURS, 1)
        try:
            yield url
        finally:
            redis.flushdb()


def _numbered(server_url: str) -> Iterator[str]:
    parts = urlsplit(server_url)
    return (urlunsplit(parts._replace(path=f"/{number}")) for number in _REDIS_NUMBERS)


def _may_take(url: str) -> bool:
    """Whether nobody uses a number and it is empty, or was a benchmark's that was killed."""
    with Redis.from_url(url) as redis:
        number, us = urlsplit(url).path.strip("/"), str(redis.client_id())
        used = any(client["db"] == number and client["id"] != us for client in redis.client_list())
        return not used and (redis.dbsize() == 0 or bool(redis.exists(_OURS)))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two benchmarks at once would measure each other, and take each other's data away."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not try_lock(descriptor):
            raise NoPlaceError("another benchmark is running here")
        yield
    finally:
        os.close(descriptor)
