"""Work that must happen once its transaction commits, kept in Postgres; the broker only wakes who does it.

    @outbox.handler("billing.welcome")
    def send_welcome(payload): ...

    outbox.enqueue(topic="billing.welcome", payload={"org_id": str(org.id)}, dedupe_key=f"welcome:{org.id}")

A handler runs in a transaction of its own together with the mark that it is done. What it writes to Postgres happens
exactly once; what it does elsewhere happens at least once, so let it be idempotent there. A handler that fails is tried
again later and later, and after `MAX_ATTEMPTS` is left alone with its last error for a person to see.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import KombuError
from redis import RedisError

from governance.models import OutboxMessage

logger = logging.getLogger(__name__)

Payload = Mapping[str, Any]
Handler = Callable[[Payload], None]

DRAIN_TASK = "governance.drain_outbox"
MAX_ATTEMPTS = 12
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(hours=1)

_handlers: dict[str, Handler] = {}


def handler(topic: str) -> Callable[[Handler], Handler]:
    """Registers the function that does the work of a topic. Its module must be imported by the worker."""

    def register(function: Handler) -> Handler:
        if topic in _handlers:
            raise ValueError(f"the outbox topic {topic!r} has a handler already")
        _handlers[topic] = function
        return function

    return register


def enqueue(*, topic: str, payload: Payload, dedupe_key: str | None = None, due_at: datetime | None = None) -> None:
    """Promise the work, as part of the current transaction. The same `dedupe_key` is promised only once, ever."""
    OutboxMessage.objects.bulk_create(
        [OutboxMessage(topic=topic, payload=dict(payload), dedupe_key=dedupe_key, due_at=due_at or timezone.now())],
        ignore_conflicts=True,
    )
    if due_at is None and not any(entry[1] is _wake for entry in connection.run_on_commit):
        transaction.on_commit(_wake)


def drain(limit: int = 100) -> int:
    """Do what is due, the longest due first; returns how many messages were tried. Any number may drain at once."""
    tried = 0
    while tried < limit and _do_next():
        tried += 1
    return tried


def waiting() -> Q:
    """Messages that will still be tried."""
    return Q(done_at=None, attempts__lt=MAX_ATTEMPTS)


def given_up() -> Q:
    """Messages that failed too often and need a person."""
    return Q(done_at=None, attempts__gte=MAX_ATTEMPTS)


def _do_next() -> bool:
    message = _claim()
    if message is None:
        return False
    try:
        _do(message.pk)
    except Exception as error:  # a handler may fail in any way; none may stop the others
        _note_failure(message, error)
    return True


def _claim() -> OutboxMessage | None:
    """Count the attempt and set the next one's time, durably: also one that kills its worker is not tried for ever."""
    with transaction.atomic():
        due = OutboxMessage.objects.filter(waiting(), due_at__lte=timezone.now()).order_by("due_at", "id")
        message = due.select_for_update(skip_locked=True).first()
        if message is not None:
            message.due_at = timezone.now() + min(FIRST_RETRY * 2**message.attempts, LONGEST_RETRY)
            message.attempts += 1
            message.save(update_fields=["attempts", "due_at"])
    return message


def _do(message_id: int) -> None:
    """The row stays locked while its handler runs, however long, so that no other worker runs it too."""
    with transaction.atomic():
        open_messages = OutboxMessage.objects.select_for_update(skip_locked=True).filter(pk=message_id, done_at=None)
        message = open_messages.first()
        if message is None:
            return
        _handle(message)
        message.done_at, message.last_error = timezone.now(), ""
        message.save(update_fields=["done_at", "last_error"])


def _handle(message: OutboxMessage) -> None:
    function = _handlers.get(message.topic)
    if function is None:
        raise LookupError(f"no handler for the topic {message.topic!r}")
    function(message.payload)


def _note_failure(message: OutboxMessage, error: Exception) -> None:
    message.last_error = f"{type(error).__name__}: {error}"[:300].replace("\x00", "")
    message.save(update_fields=["last_error"])
    facts = {"outbox_id": message.pk, "topic": message.topic, "attempts": message.attempts}
    if message.attempts < MAX_ATTEMPTS:
        logger.warning("outbox.attempt_failed", extra=facts, exc_info=error)
    else:
        logger.error("outbox.given_up", extra=facts, exc_info=error)


def _wake() -> None:
    """Tell a worker now. Without a broker the work is done when beat next asks for it."""
    try:
        current_app.send_task(DRAIN_TASK, retry=False)
    except (KombuError, RedisError, OSError):
        logger.warning("outbox.wake_failed", exc_info=True)
