"""Pages and management routes, served by Django's full handler. The hot path's routes are in `gateway_urls`."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
]
