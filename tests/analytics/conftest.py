"""A stream of one's own, and recorders on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from analytics import door, ledger
from analytics.domain import Event
from analytics.live import LiveFeed
from analytics.recorder import Recorder
from analytics.spend import SpendTeller
from analytics.stream import EventStream, connect, dead_letters
from governance.domain import Scope
from governance.keys import issue_key
from governance.models import Organization

LEASE_SECONDS = 20.0


@pytest.fixture
def org(db: None) -> Organization:
    return Organization.objects.create(name="Sunrise")


@pytest.fixture
def other_org(db: None) -> Organization:
    return Organization.objects.create(name="Sunset")


@pytest.fixture
def committed_org(django_db_setup: None, django_db_blocker: Any) -> Iterator[Organization]:
    """An organization that other connections see too. Its rows stay, as a ledger's do: look at this one's only."""
    with django_db_blocker.unblock():
        yield Organization.objects.create(name="Sunrise")
        connection.close()


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    made = connect(settings.REDIS_URL)
    yield made
    made.close()


@pytest.fixture
def stream_name(client: redis.Redis) -> Iterator[str]:
    name = f"test:events:{uuid4().hex}"
    yield name
    client.delete(name, dead_letters(name))


Send = Callable[..., None]


@pytest.fixture
def send(client: redis.Redis, stream_name: str) -> Send:
    """Puts events, or any bytes, onto the stream as the gateway does."""

    def send_all(*events: Event | bytes) -> None:
        for event in events:
            payload = event if isinstance(event, bytes) else door.encode(event)
            client.execute_command(*door.stream_command(stream_name, payload))

    return send_all


MakeRecorder = Callable[[], Recorder]


@pytest.fixture
def new_recorder(client: redis.Redis, stream_name: str) -> MakeRecorder:
    """Another recorder, as if in another process."""

    def make(batch_size: int = 100) -> Recorder:
        return Recorder(
            stream=EventStream(client, stream_name, consumer=uuid4().hex),
            teller=SpendTeller(client),
            feed=LiveFeed(),
            batch_size=batch_size,
            lease_seconds=LEASE_SECONDS,
        )

    return make


@pytest.fixture
def recorder(new_recorder: MakeRecorder) -> Recorder:
    return new_recorder()


@pytest.fixture
def drain(recorder: Recorder) -> Callable[[], None]:
    """Records all that is on the stream."""

    def until_empty() -> None:
        while recorder.record_stream(block_ms=None):
            pass

    return until_empty


@dataclass(frozen=True)
class Caller:
    """Somebody with an API key of one organization."""

    org: Organization
    key_id: UUID
    secret: str

    def get(self, path: str, **params: Any) -> HttpResponse:
        return Client().get(path, params, headers={"authorization": f"Bearer {self.secret}"})


MakeCaller = Callable[..., Caller]


@pytest.fixture
def make_caller(db: None) -> MakeCaller:
    def make(org: Organization, *scopes: Scope) -> Caller:
        key = issue_key(org_id=org.pk, name="tests", scopes=scopes or (Scope.ALL,))
        return Caller(org, key.id, key.secret)

    return make


@pytest.fixture
def caller(org: Organization, make_caller: MakeCaller) -> Caller:
    return make_caller(org)


@pytest.fixture
def stranger(other_org: Organization, make_caller: MakeCaller) -> Caller:
    return make_caller(other_org)


@pytest.fixture
def record(db: None) -> Callable[..., None]:
    """Writes events into the ledger, as the recorder does."""

    def write(*events: Event) -> None:
        with transaction.atomic():
            ledger.record(events)

    return write


@pytest.fixture
def client_without_key(db: None) -> Client:
    return Client()
