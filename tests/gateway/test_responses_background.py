"""Responses that are made in the background, by a worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connection, connections
from openai import APIStatusError, OpenAI
from openai.types.responses import Response

from inference.models import StoredResponse
from inference.responses.jobs import MOST_ATTEMPTS
from inference.tasks import make_responses
from tests.gateway.conftest import Served, Simulator, Tenant, database_url_of_tests

MODEL = "gpt-6-luna"


@pytest.fixture
def client(gateway: Served, tenant: Tenant) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key, max_retries=0) as client:
        yield client


@pytest.fixture
def worker(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[], threading.Thread]:
    """Begins the worker's task in a thread, as Celery would."""
    monkeypatch.setattr(settings, "DATABASE_URL", database_url_of_tests())
    monkeypatch.setattr(settings, "SIMULATOR_URL", simulator.url)

    def work() -> None:
        make_responses()
        connections.close_all()

    def begin() -> threading.Thread:
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        return thread

    return begin


def ended(client: OpenAI, response_id: str, patience: float = 10.0) -> Response:
    deadline = time.monotonic() + patience
    while (response := client.responses.retrieve(response_id)).status in ("queued", "in_progress"):
        assert time.monotonic() < deadline, response.status
        time.sleep(0.05)
    return response


def test_a_response_is_queued_made_and_fetched(
    client: OpenAI, tenant: Tenant, worker: Callable[[], threading.Thread]
) -> None:
    queued = client.responses.create(model=MODEL, input="take your time", background=True, metadata={"a": "b"})
    assert queued.status == "queued"
    assert queued.background
    assert client.responses.retrieve(queued.id).status == "queued"
    worker().join(20)
    response = client.responses.retrieve(queued.id)
    assert response.status == "completed"
    assert response.id == queued.id
    assert response.output_text
    assert response.metadata == {"a": "b"}
    [entry] = tenant.ledger(1)
    assert entry.cost_nano > 0
    following = client.responses.create(model=MODEL, input="and then?", previous_response_id=response.id)
    assert following.output_text


def test_several_are_made_at_the_same_time_once_each(
    client: OpenAI, tenant: Tenant, worker: Callable[[], threading.Thread]
) -> None:
    queued = [client.responses.create(model=MODEL, input=f"number {n}", background=True) for n in range(6)]
    threads = [worker(), worker()]
    for thread in threads:
        thread.join(20)
    assert {client.responses.retrieve(response.id).status for response in queued} == {"completed"}
    assert len(tenant.ledger(6)) == 6


def test_a_queued_response_that_is_cancelled_is_never_made(
    client: OpenAI, tenant: Tenant, worker: Callable[[], threading.Thread]
) -> None:
    queued = client.responses.create(model=MODEL, input="never mind", background=True)
    assert client.responses.cancel(queued.id).status == "cancelled"
    worker().join(20)
    assert client.responses.retrieve(queued.id).status == "cancelled"
    assert client.responses.cancel(queued.id).status == "cancelled"
    tenant.ledger(0, patience=0.3)


def test_cancelling_stops_the_provider(
    client: OpenAI, tenant: Tenant, simulator: Simulator, worker: Callable[[], threading.Thread]
) -> None:
    simulator.faults(latency_ms=8000)
    queued = client.responses.create(model=MODEL, input="slow one", background=True)
    began, thread = time.monotonic(), worker()
    while client.responses.retrieve(queued.id).status == "queued":
        time.sleep(0.05)
    client.responses.cancel(queued.id)
    thread.join(20)
    assert time.monotonic() - began < 7
    assert client.responses.retrieve(queued.id).status == "cancelled"
    [entry] = tenant.ledger(1)
    assert entry.outcome == "client_disconnect"


def test_what_a_dead_worker_left_is_made_by_another_and_charged_once(
    client: OpenAI, tenant: Tenant, worker: Callable[[], threading.Thread]
) -> None:
    queued = client.responses.create(model=MODEL, input="survive", background=True)
    left_by_a_dead_worker(queued.id, attempts=1)
    worker().join(20)
    assert client.responses.retrieve(queued.id).status == "completed"
    assert len(tenant.ledger(1)) == 1


def test_a_response_that_is_interrupted_again_and_again_has_failed(
    client: OpenAI, worker: Callable[[], threading.Thread]
) -> None:
    queued = client.responses.create(model=MODEL, input="fragile", background=True)
    left_by_a_dead_worker(queued.id, attempts=MOST_ATTEMPTS)
    worker().join(20)
    response = client.responses.retrieve(queued.id)
    assert response.status == "failed"
    assert response.error is not None


def left_by_a_dead_worker(response_id: str, *, attempts: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inference_storedresponse SET status = 'in_progress', attempts = %s,"
            " claim = gen_random_uuid(), claimed_until = now() - interval '1 second' WHERE id = %s",
            [attempts, response_id],
        )


def test_a_failure_of_the_provider_is_seen_in_the_response(
    client: OpenAI, simulator: Simulator, worker: Callable[[], threading.Thread]
) -> None:
    queued = client.responses.create(model=MODEL, input="fail", background=True)
    simulator.faults(error_rate=1.0)
    worker().join(30)
    response = client.responses.retrieve(queued.id)
    assert response.status == "failed"
    assert response.error is not None
    assert response.error.code == "server_error"


def test_a_revoked_key_makes_nothing_more(
    client: OpenAI, tenant: Tenant, worker: Callable[[], threading.Thread]
) -> None:
    queued = client.responses.create(model=MODEL, input="revoked", background=True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE governance_apikey SET revoked_at = now() WHERE id = %s", [tenant.key_id])
    worker().join(20)
    assert StoredResponse.objects.for_org(tenant.org_id).get(pk=queued.id).status == "failed"


def test_a_stream_in_the_background_follows_to_the_end_and_can_be_taken_up_again(
    client: OpenAI, worker: Callable[[], threading.Thread]
) -> None:
    stream = client.responses.create(model=MODEL, input="follow me", background=True, stream=True)
    thread = worker()
    events = list(stream)
    thread.join(20)
    last = events[-1]
    assert last.type == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    again = list(client.responses.retrieve(last.response.id, stream=True, starting_after=3))
    assert [event.to_dict() for event in again] == [event.to_dict() for event in events[4:]]


def test_what_can_never_be_made_is_refused_at_once(client: OpenAI) -> None:
    with pytest.raises(APIStatusError) as unknown:
        client.responses.create(model="no-such-model", input="hello", background=True)
    assert unknown.value.status_code == 404
    with pytest.raises(APIStatusError) as unstored:
        client.responses.create(model=MODEL, input="hello", background=True, store=False)
    assert unstored.value.status_code == 400


def test_a_response_that_was_not_in_the_background_cannot_be_cancelled(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="synchronous")
    with pytest.raises(APIStatusError) as refused:
        client.responses.cancel(response.id)
    assert refused.value.status_code == 400


def test_deleting_one_that_is_being_made_ends_it(
    client: OpenAI, tenant: Tenant, simulator: Simulator, worker: Callable[[], threading.Thread]
) -> None:
    simulator.faults(latency_ms=8000)
    queued = client.responses.create(model=MODEL, input="delete me", background=True)
    began, thread = time.monotonic(), worker()
    while client.responses.retrieve(queued.id).status == "queued":
        time.sleep(0.05)
    client.responses.delete(queued.id)
    thread.join(20)
    assert time.monotonic() - began < 7
    assert not StoredResponse.objects.for_org(tenant.org_id).exists()
