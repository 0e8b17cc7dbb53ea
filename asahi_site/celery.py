"""The Celery application. Tasks take ids, are idempotent, and make one domain call."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asahi_site.settings")

app = Celery("asahi")
app.set_default()  # Celery's current application is one of each thread; requests are answered in many
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
