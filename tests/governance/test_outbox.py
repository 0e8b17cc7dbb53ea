"""What the outbox promises is done once its transaction commits: once, or again until it works, and never unnoticed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import Task, current_app
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerAway

from asahi_site.celery import app
from governance import outbox
from governance.models import Organization, OutboxMessage


@pytest.fixture
def topic() -> Iterator[str]:
    name = f"test.{uuid4().hex}"
    yield name
    outbox._handlers.pop(name, None)


@pytest.fixture
def wakes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that were asked for."""
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **_: sent.append(name))
    return sent


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """For what only shows between transactions. Leaves no message behind."""
    with django_db_blocker.unblock():
        yield
        OutboxMessage.objects.all().delete()
        connection.close()


@pytest.fixture
def tasks() -> Mapping[str, Task]:
    """The tasks a worker knows once it has started."""
    app.loader.import_default_modules()
    return app.tasks


def message(topic: str) -> OutboxMessage:
    return OutboxMessage.objects.get(topic=topic)


def make_due(topic: str) -> None:
    OutboxMessage.objects.filter(topic=topic).update(due_at=timezone.now())


@pytest.mark.django_db
def test_what_is_enqueued_is_done_with_its_payload_and_only_once(topic):
    done: list[dict[str, Any]] = []
    outbox.handler(topic)(lambda payload: done.append(dict(payload)))
    outbox.enqueue(topic=topic, payload={"org_id": "o-1"})
    assert outbox.drain() == 1
    assert outbox.drain() == 0
    assert done == [{"org_id": "o-1"}]
    assert message(topic).done_at is not None


@pytest.mark.django_db
def test_the_same_dedupe_key_is_promised_once_even_after_it_is_done(topic):
    done: list[Any] = []
    outbox.handler(topic)(done.append)
    for _ in range(2):
        outbox.enqueue(topic=topic, payload={}, dedupe_key=f"welcome:{topic}")
        outbox.drain()
    assert len(done) == 1


@pytest.mark.django_db
def test_nothing_is_done_before_it_is_due(topic):
    done: list[Any] = []
    outbox.handler(topic)(done.append)
    outbox.enqueue(topic=topic, payload={}, due_at=timezone.now() + timedelta(minutes=1))
    assert outbox.drain() == 0
    make_due(topic)
    assert outbox.drain() == 1
    assert len(done) == 1


@pytest.mark.django_db
def test_a_failing_handler_is_tried_again_later_and_later(topic):
    def fail(_payload: object) -> None:
        raise RuntimeError("the other side is down")

    outbox.handler(topic)(fail)
    outbox.enqueue(topic=topic, payload={})
    waits = []
    for _ in range(4):
        before = timezone.now()
        assert outbox.drain() == 1
        waits.append(round((message(topic).due_at - before).total_seconds()))
        make_due(topic)
    assert waits == [10, 20, 40, 80]
    assert message(topic).last_error == "RuntimeError: the other side is down"


@pytest.mark.django_db
def test_what_fails_too_often_is_kept_with_its_error_and_reported(topic, caplog):
    def fail(_payload: object) -> None:
        raise RuntimeError("never works")

    outbox.handler(topic)(fail)
    outbox.enqueue(topic=topic, payload={"keep": "me"})
    for _ in range(outbox.MAX_ATTEMPTS):
        assert outbox.drain() == 1
        make_due(topic)
    assert outbox.drain() == 0
    left = message(topic)
    assert (left.done_at, left.payload, left.last_error) == (None, {"keep": "me"}, "RuntimeError: never works")
    assert OutboxMessage.objects.filter(outbox.given_up(), topic=topic).exists()
    assert caplog.records[-1].message == "outbox.given_up"


@pytest.mark.django_db
def test_a_failing_handler_does_not_stop_the_others(topic):
    done: list[Any] = []

    def fail_on_poison(payload: Any) -> None:
        if payload["poison"]:
            raise ValueError("poison")
        done.append(payload)

    outbox.handler(topic)(fail_on_poison)
    for poison in (True, False, True, False):
        outbox.enqueue(topic=topic, payload={"poison": poison})
    assert outbox.drain() == 4
    assert len(done) == 2


@pytest.mark.django_db
def test_what_a_failing_handler_wrote_is_undone(topic):
    def write_and_fail(_payload: object) -> None:
        Organization.objects.create(name=topic)
        raise RuntimeError("after all")

    outbox.handler(topic)(write_and_fail)
    outbox.enqueue(topic=topic, payload={})
    outbox.drain()
    assert not Organization.objects.filter(name=topic).exists()


@pytest.mark.django_db
def test_a_topic_nobody_handles_yet_waits_for_who_does(topic):
    outbox.enqueue(topic=topic, payload={})
    outbox.drain()
    assert "no handler" in message(topic).last_error
    outbox.handler(topic)(lambda _: None)
    make_due(topic)
    outbox.drain()
    assert message(topic).done_at is not None
    assert message(topic).last_error == ""


def test_a_topic_has_one_handler(topic):
    outbox.handler(topic)(lambda _: None)
    with pytest.raises(ValueError, match="has a handler already"):
        outbox.handler(topic)(lambda _: None)


@pytest.mark.django_db
def test_a_drain_does_at_most_its_limit(topic):
    outbox.handler(topic)(lambda _: None)
    for _ in range(3):
        outbox.enqueue(topic=topic, payload={})
    assert [outbox.drain(limit=2), outbox.drain(limit=2)] == [2, 1]


@pytest.mark.django_db
def test_the_task_drains(topic, tasks):
    outbox.handler(topic)(lambda _: None)
    outbox.enqueue(topic=topic, payload={})
    assert tasks[outbox.DRAIN_TASK].apply().get() == 1
    assert message(topic).done_at is not None


def test_beat_asks_for_the_drain_so_that_nothing_waits_for_a_lost_wake(tasks):
    entry = app.conf.beat_schedule["drain-outbox"]
    assert tasks[entry["task"]].name == outbox.DRAIN_TASK
    assert entry["schedule"] <= 10


def test_every_thread_asks_our_own_broker():
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(current_app.conf.broker_url))
    thread.start()
    thread.join(10)
    assert seen == [settings.REDIS_URL]


def test_a_promise_is_taken_back_with_its_transaction(committed, topic, wakes):
    with transaction.atomic():
        outbox.enqueue(topic=topic, payload={})
        transaction.set_rollback(True)
    assert not OutboxMessage.objects.filter(topic=topic).exists()
    assert wakes == []


def test_a_worker_is_woken_once_for_a_transaction_and_only_when_it_commits(committed, topic, wakes):
    with transaction.atomic():
        outbox.enqueue(topic=topic, payload={"n": 1})
        outbox.enqueue(topic=topic, payload={"n": 2})
        assert wakes == []
    assert wakes == [outbox.DRAIN_TASK]


def test_nobody_is_woken_for_what_is_due_later(committed, topic, wakes):
    outbox.enqueue(topic=topic, payload={}, due_at=timezone.now() + timedelta(days=1))
    assert wakes == []


def test_a_promise_stands_though_the_broker_is_away(committed, topic, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise BrokerAway("no route")

    monkeypatch.setattr(current_app, "send_task", away)
    outbox.enqueue(topic=topic, payload={})
    assert message(topic).done_at is None


def test_two_workers_never_do_the_same_message(committed, topic, wakes):
    done: list[int] = []
    both_busy = threading.Barrier(2, timeout=20)

    def work(payload: Any) -> None:
        both_busy.wait()  # nobody goes on before two messages are being handled at once
        done.append(payload["n"])

    outbox.handler(topic)(work)
    for number in range(2):
        outbox.enqueue(topic=topic, payload={"n": number})

    def drain() -> None:
        outbox.drain(limit=1)
        connection.close()

    threads = [threading.Thread(target=drain) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(done) == [0, 1]


def test_a_message_another_worker_has_in_hand_is_passed_over_without_waiting(committed, topic, wakes):
    outbox.handler(topic)(lambda _: None)
    outbox.enqueue(topic=topic, payload={})
    tried: list[int] = []

    def drain() -> None:
        tried.append(outbox.drain())
        connection.close()

    thread = threading.Thread(target=drain)
    with transaction.atomic():
        OutboxMessage.objects.select_for_update().get(topic=topic)
        thread.start()
        thread.join(5)
        assert tried == [0]
    thread.join(20)


def test_a_worker_killed_at_its_work_has_used_up_an_attempt_and_finished_nothing(committed, topic, wakes):
    """So that a message which kills whoever takes it is not taken for ever."""

    class Killed(BaseException):
        pass

    def die(_payload: object) -> None:
        Organization.objects.create(name=topic)
        raise Killed

    outbox.handler(topic)(die)
    outbox.enqueue(topic=topic, payload={})
    with pytest.raises(Killed):
        outbox.drain()
    left = message(topic)
    assert (left.attempts, left.done_at) == (1, None)
    assert left.due_at > timezone.now()
    assert not Organization.objects.filter(name=topic).exists()
