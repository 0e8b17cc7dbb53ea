"""Doing something again for late comers: what was under way at a moment leaves its traces when it ends.

A purge or an erasure is done at once, and promises here to be done again: thrice soon, since most calls end soon; once
the longest call must have ended; and once the longest batch has. Each time it looks only for what was asked for before
that moment, so that the last one takes nothing that is new. What it looks for may be a person's name: with the last one
the outbox forgets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from governance import outbox
from governance.models import OutboxMessage

_SOON = (timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=5))
_LONGEST_BATCH = timedelta(hours=26)
_MARGIN = timedelta(minutes=2)


def promise_sweeps(*, topic: str, payload: Mapping[str, Any], since: datetime) -> None:
    """As part of the current transaction."""
    promise = uuid4().hex
    longest_call = timedelta(seconds=settings.ASAHI.providers.answer_timeout_seconds)
    delays = (*_SOON, longest_call + _MARGIN, _LONGEST_BATCH)
    keys = [f"sweep:{promise}:{place}" for place in range(len(delays))]
    for key, delay in zip(keys, delays, strict=True):
        all_of_them = keys if key == keys[-1] else []
        outbox.enqueue(topic=topic, payload={**payload, "forgets": all_of_them}, dedupe_key=key, due_at=since + delay)


def finish_sweep(payload: outbox.Payload) -> None:
    """To be called when a sweep has done its work. The last one ends those before it, whatever held them up."""
    if payload["forgets"]:
        OutboxMessage.objects.filter(dedupe_key__in=payload["forgets"]).update(payload={}, done_at=timezone.now())
