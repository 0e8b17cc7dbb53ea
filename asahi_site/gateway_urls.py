"""The routes that the lean handler serves."""

from __future__ import annotations

from django.urls import path

from asahi_site.api import api

urlpatterns = [path("", api.urls)]
