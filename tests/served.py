"""A gateway as it is served, in this process: real HTTP, real Postgres and Valkey, a simulator behind it.

A plugin of pytest, so that there is one gateway for all the folders that test it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from django.conf import settings
from django.db import connection, connections

from analytics.live import LiveFeed
from analytics.models import LedgerEntry
from analytics.recorder import Recorder
from analytics.spend import SpendTeller
from analytics.stream import EventStream, connect
from governance import auth
from governance.domain import Scope
from governance.keys import issue_key
from governance.models import Organization, Policy
from governance.policies import change_policy
from tests.gateway.flaky_proxy import FlakyProxy


@dataclass(frozen=True)
class Simulator:
    """The provider behind the gateway, and what it counted."""

    url: str

    def faults(self, **faults: Any) -> None:
        httpx.post(f"{self.url}/_control/faults", json=faults).raise_for_status()

    def reset(self) -> None:
        httpx.post(f"{self.url}/_control/reset").raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/_control/calls", params={"since": 0}).raise_for_status().json()
        return answer["calls"] if isinstance(answer, dict) else answer

    def record(self, model: str, prompt: str, text: str, **calls: Any) -> None:
        """What is said to a prompt; before it, `calls` are made of functions offered by these names."""
        made = [{"name": name, "arguments": arguments} for name, arguments in calls.items()]
        answers = [{"model": model, "prompt": prompt, "text": text, "calls": made}]
        httpx.post(f"{self.url}/_control/recordings", json={"answers": answers}).raise_for_status()


@dataclass(frozen=True)
class Tenant:
    """An organization with a key."""

    org_id: UUID
    key: str
    key_id: UUID
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}", **self.extra}

    def policy(self, **changes: Any) -> None:
        """Change the policy, and wait until the gateway has heard of it: within a second, is what it promises."""
        directory = auth._Installed.directory
        heard = directory._changes if directory is not None else 0
        change_policy(org_id=self.org_id, changes=changes)
        deadline = time.monotonic() + 5
        while directory is not None and directory._changes == heard:
            assert time.monotonic() < deadline, "the gateway did not hear of the change"
            time.sleep(0.002)

    def ledger(self, count: int, patience: float = 10.0) -> list[LedgerEntry]:
        """The organization's ledger entries, once there are `count` of them."""
        deadline = time.monotonic() + patience
        while True:
            entries = list(LedgerEntry.objects.for_org(self.org_id).order_by("started_at", "id"))
            if len(entries) >= count or time.monotonic() > deadline:
                assert len(entries) == count, f"{len(entries)} ledger entries, expected {count}"
                return entries
            time.sleep(0.05)


@dataclass
class Served:
    """A running gateway."""

    url: str
    server: uvicorn.Server
    http: httpx.Client = field(repr=False)

    def chat(
        self, tenant: Tenant, prompt: str, *, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        body = {"model": "asahi", "messages": [{"role": "user", "content": prompt}], "max_tokens": 32, **fields}
        return self.http.post("/v1/chat/completions", json=body, headers={**tenant.headers, **(headers or {})})


@pytest.fixture(scope="session")
def open_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The gateway has connections of its own, so what it shall see must be committed."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()


@pytest.fixture(scope="session")
def simulator_server() -> Iterator[Simulator]:
    process = subprocess.Popen(
        [sys.executable, "-m", "inference.simulator", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    yield Simulator(url)
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
def simulator(simulator_server: Simulator) -> Simulator:
    simulator_server.reset()
    return simulator_server


def database_url_of_tests() -> str:
    """The URL of the database that pytest-django made, for connections that are not Django's."""
    base, _, _ = settings.DATABASE_URL.rpartition("/")
    return f"{base}/{connection.settings_dict['NAME']}"


@pytest.fixture(scope="session")
def redis_proxy() -> Iterator[FlakyProxy]:
    """What stands between the gateway and Redis."""
    proxy = FlakyProxy(settings.REDIS_URL)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="session")
def postgres_proxy(open_database: None) -> Iterator[FlakyProxy]:
    """What stands between the gateway and Postgres."""
    proxy = FlakyProxy(database_url_of_tests())
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="session")
def served(
    simulator_server: Simulator, redis_proxy: FlakyProxy, postgres_proxy: FlakyProxy, recorder: Recorder
) -> Iterator[Served]:
    patch = pytest.MonkeyPatch()
    patch.setattr(settings, "REDIS_URL", redis_proxy.url)
    patch.setattr(settings, "DATABASE_URL", postgres_proxy.url)
    patch.setattr(settings, "SIMULATOR_URL", simulator_server.url)
    from asahi_site.asgi import application  # settings must be those of the tests

    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, loop="uvloop", http="httptools", ws="none", log_config=None,
        access_log=False, lifespan="on", timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="gateway")
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the gateway did not start"
        assert time.monotonic() < deadline, "the gateway did not start"
        time.sleep(0.02)
    patch.undo()
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=30, limits=httpx.Limits(max_connections=300)) as http:
        yield Served(url, server, http)
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def gateway(served: Served, simulator: Simulator) -> Served:
    return served


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()


@pytest.fixture
def make_tenant(found_tenant: Callable[..., Tenant]) -> Callable[..., Tenant]:
    return found_tenant


@pytest.fixture(scope="session")
def found_tenant(open_database: None) -> Callable[..., Tenant]:
    """Makes tenants for tests that share one, too."""

    def make(scopes: tuple[Scope, ...] = (Scope.ALL,), **policy: Any) -> Tenant:
        org = Organization.objects.create(name=f"Tenant {uuid4().hex[:8]}")
        Policy.objects.create(org=org, **policy)
        key = issue_key(org_id=org.pk, name="tests", scopes=scopes)
        return Tenant(org.pk, key.secret, key.id)

    return make


@pytest.fixture(scope="session")
def recorder(open_database: None) -> Iterator[Recorder]:
    """The recorder, as its process runs it, in a thread."""
    client = connect(settings.REDIS_URL)
    ledger = settings.ASAHI.ledger
    recorder = Recorder(
        stream=EventStream(client, ledger.stream, consumer=f"tests-{uuid4().hex[:8]}"),
        teller=SpendTeller(client),
        feed=LiveFeed(),
        batch_size=ledger.drain_batch,
        lease_seconds=ledger.lease_seconds,
    )

    def run() -> None:
        recorder.run()
        connections.close_all()

    thread = threading.Thread(target=run, name="recorder")
    thread.start()
    yield recorder
    recorder.stop()
    thread.join(15)
    client.close()


def events_of(text: str) -> list[dict[str, Any]]:
    """The JSON objects of a chat stream."""
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]
