"""The routes that the lean handler serves."""

from __future__ import annotations

from django.urls import path

from asahi_site.api import api

LEAN_PATHS = ("/infer", "/models", "/health")
LEAN_PREFIX = "/v1/"

urlpatterns = [path("", api.urls)]
