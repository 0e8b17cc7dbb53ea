"""The processes that a benchmark measures, as the Procfile starts them, with nothing that could reach the outside."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import psycopg
from redis import Redis

from asahi_site.benchmark.processes import Process, StartError, pinned
from asahi_site.config import BASE_DIR
from asahi_site.embedded.ports import choose_port
from asahi_site.procfile import read_procfile
from governance.encryption import Keyring
from inference.bench.proc import split_cores
from inference.bench.stage import Gateway
from inference.bench.target import Target

PROVIDER_PREFIX = "/openai/v1"
RECORD_SECONDS = 60.0
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV")

_PATIENT = {"ASAHI_CACHE_EMBEDDING_TIMEOUT_MS": "2000", "ASAHI_CACHE_STORE_TIMEOUT_MS": "2000"}
"""On a busy machine T2 would be left out of the very requests that take long, and its figures would be flattered."""


@dataclass(frozen=True, slots=True)
class Databases:
    """Where the benchmark's own data are."""

    database_url: str
    redis_url: str


class Instance:
    """Starts and stops the parts; `available` are the cores that the whole benchmark may use."""

    def __init__(self, databases: Databases, var: Path, available: frozenset[int], stack: ExitStack) -> None:
        self._databases = databases
        self._var = var
        self._available = available
        self._stack = stack
        self._environment = child_environment(databases, var, os.environ)
        self._api_key = self._semantic_key = ""
        self.semantic_org = UUID(int=0)
        self._others: list[Process] = []

    def start_upstream(self) -> int:
        """The mock provider; returns its port."""
        upstream = self._start("upstream", (sys.executable, "-m", "inference.bench.upstream"), self._environment)
        self._others.append(upstream)
        port = int(upstream.wait_for_line())
        self._environment["ASAHI_PROVIDERS_SIMULATOR_URL"] = f"http://127.0.0.1:{port}"
        return port

    def prepare(self) -> None:
        """Create the tables and the tenant, in a process that sees this instance's settings."""
        command = [sys.executable, str(BASE_DIR / "manage.py"), "benchmark", "--prepare"]
        done = subprocess.run(  # noqa: S603  # our own command
            command, env=self._environment, cwd=BASE_DIR, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode:
            raise StartError(f"the benchmark's database could not be prepared:\n{done.stderr[-2000:]}")
        said = json.loads(done.stdout.splitlines()[-1])
        self._api_key, self._semantic_key = said["api_key"], said["semantic_key"]
        self.semantic_org = UUID(said["semantic_org"])

    def start_recorder(self) -> None:
        command = read_procfile(BASE_DIR / "Procfile", self._environment)["recorder"]
        self._others.append(self._start("recorder", command, self._environment))

    def start_gateway(self, workers: int) -> Gateway:
        """The web server with so many workers, each on a core of its own."""
        port = choose_port()
        environment = {**self._environment, "PORT": str(port), "WEB_CONCURRENCY": str(workers)}
        command = read_procfile(BASE_DIR / "Procfile", environment)["web"]
        cores = split_cores(self._available, workers).server
        with pinned(cores):
            process = self._start(f"gateway-{workers}", (*command, "--host", "127.0.0.1"), environment)
        process.wait_for_port(port)
        target = Target("gateway", port, headers=(("authorization", f"Bearer {self._api_key}"),))
        return Gateway(target, process.pid, cores)

    def with_semantic_key(self, target: Target) -> Target:
        """The same gateway for the organization that has T2."""
        return replace(target, headers=(("authorization", f"Bearer {self._semantic_key}"),))

    @property
    def keys(self) -> Keyring:
        """What the instance seals with."""
        return Keyring.parse(self._environment["ASAHI_ENCRYPTION_KEY"])

    def count_recorded(self, at_least: int) -> int:
        """How many answers the ledger holds, once the recorder has caught up or a minute has passed."""
        deadline = time.monotonic() + RECORD_SECONDS
        with psycopg.connect(self._databases.database_url, autocommit=True) as connection:
            while True:
                row = connection.execute("SELECT count(*) FROM analytics_ledgerentry WHERE outcome = 'ok'").fetchone()
                recorded = int(row[0]) if row else 0
                if recorded >= at_least or time.monotonic() > deadline:
                    return recorded
                time.sleep(0.25)

    def ended(self) -> list[str]:
        """Which of the parts that must run throughout have ended by themselves."""
        return [process.name for process in self._others if process.has_ended()]

    def versions(self) -> dict[str, str]:
        """What the databases are."""
        with psycopg.connect(self._databases.database_url) as connection:
            major, minor = divmod(connection.info.server_version, 10_000)
        with Redis.from_url(self._databases.redis_url) as redis:
            info = redis.info("server")
        return {
            "postgres": f"{major}.{minor}",
            str(info.get("server_name", "redis")): str(info.get("valkey_version", info["redis_version"])),
        }

    def _start(self, name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> Process:
        process = Process(name, command, environment, BASE_DIR, self._var / "log" / f"{name}.log")
        self._stack.callback(process.stop)
        return process


def child_environment(databases: Databases, var: Path, ours: Mapping[str, str]) -> dict[str, str]:
    """What the instance's processes see: databases and secrets of its own, and nobody's key to the outside."""
    kept = {name: value for name, value in ours.items() if name in _KEPT_VARIABLES or name.startswith("ASAHI_")}
    return {
        **_PATIENT,
        **kept,
        "DATABASE_URL": databases.database_url,
        "REDIS_URL": databases.redis_url,
        "PYTHONUNBUFFERED": "1",
        "ASAHI_VAR_DIR": str(var),
        "ASAHI_SITE_ENVIRONMENT": "development",
        "ASAHI_SITE_SECRET_KEY": secrets.token_urlsafe(48),
        "ASAHI_ENCRYPTION_KEY": secrets.token_hex(32),
        "ASAHI_PROVIDERS_SIMULATE": "true",
    }
