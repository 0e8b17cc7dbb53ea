"""The databases of one start: which of them are ours to run, and where they are then found."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from asahi_site.config import redis_url_from_environment
from asahi_site.embedded.credentials import load_or_create, read_private, write_private
from asahi_site.embedded.ports import LOOPBACK, choose_port
from asahi_site.embedded.postgres import EmbeddedPostgres
from asahi_site.embedded.server import EmbeddedServer, open_log, wait_until_ready
from asahi_site.embedded.valkey import EmbeddedValkey
from asahi_site.plan import Plan
from asahi_site.supervisor import Running, Service, Stage, Supervisor

_GRACE_SECONDS = 30.0


class Stores:
    """Starts what is not configured, and writes `embedded.json`, which tells Django's settings where it is."""

    def __init__(self, plan: Plan, supervisor: Supervisor, possessions: ExitStack) -> None:
        self._plan = plan
        self._supervisor = supervisor
        self._possessions = possessions
        self._file = plan.var / "embedded.json"
        self._previous = read_private(self._file)
        self._credentials = load_or_create(plan.var / "secrets.json")
        self._postgres = None if plan.environment.get("DATABASE_URL") else self._new_postgres()
        self._valkey = None if redis_url_from_environment() else self._new_valkey()
        self.simulator_url = self._choose_simulator_url() if plan.simulates else ""

    @property
    def data(self) -> Path | None:
        """Where the database's files are, when they are ours."""
        return self._postgres.data if self._postgres else None

    async def start(self) -> None:
        """Start them, side by side, and return once they serve."""
        servers = {"database_url": self._postgres, "redis_url": self._valkey}
        ours: dict[str, EmbeddedServer] = {name: server for name, server in servers.items() if server is not None}
        for server in ours.values():
            server.prepare()
            self._possessions.callback(server.release)
        started = [(server, await self._supervisor.start(_service(server))) for server in ours.values()]
        await asyncio.gather(*(wait_until_ready(server, partial(_lives, running)) for server, running in started))
        self._publish({name: server.url for name, server in ours.items()})

    def _publish(self, urls: dict[str, str]) -> None:
        secrets = {
            "secret_key": self._credentials.secret_key,
            "encryption_key": self._credentials.encryption_key,
        }
        simulator = {"simulator_url": self.simulator_url} if self.simulator_url else {}
        write_private(self._file, {**urls, **simulator, **secrets})

    def _new_postgres(self) -> EmbeddedPostgres:
        previous = self._previous.get("database_url", "")
        return EmbeddedPostgres(self._plan.var, password=self._credentials.postgres_password, previous_url=previous)

    def _new_valkey(self) -> EmbeddedValkey:
        previous = self._previous.get("redis_url", "")
        return EmbeddedValkey(self._plan.var, password=self._credentials.valkey_password, previous_url=previous)

    def _choose_simulator_url(self) -> str:
        return f"http://{LOOPBACK}:{choose_port(self._previous.get('simulator_url', ''))}"


def _service(server: EmbeddedServer) -> Service:
    return Service(
        name=server.name,
        launch=server.launch(),
        stage=Stage.STORE,
        grace=_GRACE_SECONDS,
        stop_signal=server.stop_signal,
        hurries=False,
        open_output=partial(open_log, server),
    )


def _lives(running: Running) -> bool:
    """Whether it is still in its first life: a server that ends while it starts will not do better the next time."""
    return running.is_alive and running.starts == 1
