"""The Celery application. Tasks take ids, are idempotent, and make one domain call."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_ready

from governance.signs_of_life import show_life

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asahi_site.settings")

app = Celery("asahi")
app.set_default()  # Celery's current application is one of each thread; requests are answered in many
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def _show_life_at_once(**_: object) -> None:
    """So that `/health` knows of a worker from the moment it takes work, and not from its first beat on."""
    show_life("worker")
