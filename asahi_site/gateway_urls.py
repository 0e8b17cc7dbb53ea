"""The routes that the lean handler serves."""

from __future__ import annotations

from django.urls import path

from asahi_site.api import api

LEAN_PATHS = ("/infer", "/models", "/health")
LEAN_PREFIX = "/v1/"
UPLOAD_PATHS = frozenset({"/v1/files", "/v1/messages/batches"})
"""Where bodies may be larger than memory should hold."""

urlpatterns = [path("", api.urls)]
