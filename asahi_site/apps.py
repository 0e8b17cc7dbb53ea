"""Asahi's site as a Django application."""

from __future__ import annotations

from django.apps import AppConfig

from asahi_site.celery import app as celery


class AsahiSiteConfig(AppConfig):
    """Loads Celery's application with Django, so that a web process wakes a worker through our broker."""

    name = "asahi_site"
    celery = celery
