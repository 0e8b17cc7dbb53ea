"""`manage.py recorder`: the process that moves usage events into the ledger."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from analytics.live import LiveFeed
from analytics.recorder import Recorder
from analytics.spend import SpendTeller
from analytics.stream import EventStream, connect


class Command(BaseCommand):
    help = "Records usage events until SIGTERM, then finishes what is there. Any number may run."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        del args, options
        ledger = settings.ASAHI.ledger
        client = connect(settings.REDIS_URL)
        consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        recorder = Recorder(
            stream=EventStream(client, ledger.stream, consumer=consumer),
            teller=SpendTeller(client),
            feed=LiveFeed(),
            batch_size=ledger.drain_batch,
            lease_seconds=ledger.lease_seconds,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: recorder.stop())
        recorder.run()
