"""What every template may show."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from asahi_site.guides import GUIDES
from inference import catalog
from inference.providers.targets import Targets

THEMES = frozenset({"light", "dark"})
GATEWAY_PATHS = {
    "health": "/health",
    "swagger": "/docs",
    "redoc": "/redoc",
    "openapi": "/openapi.json",
}
"""The gateway's own routes have their own urlconf, so templates cannot reverse them."""


def site(request: HttpRequest) -> dict[str, Any]:
    """The deployment's address, the visitor's theme, the guides, and where the gateway answers."""
    theme = request.COOKIES.get("theme", "")
    return {
        "base_url": public_base_url(request),
        "theme": theme if theme in THEMES else "",
        "guides": GUIDES,
        "gateway": GATEWAY_PATHS,
        "response_days": settings.ASAHI.responses.days,
        "simulated_providers": simulated_providers(settings.SIMULATOR_URL, settings.ASAHI.providers.simulate),
    }


def public_base_url(request: HttpRequest) -> str:
    """The address customers reach us by: as configured, or else as this very request was addressed."""
    configured: str = settings.ASAHI.site.base_url
    return (configured or request.build_absolute_uri("/")).rstrip("/")


@cache
def simulated_providers(simulator_url: str, simulate: bool | None) -> tuple[str, ...]:
    """The providers in whose place this deployment's simulator answers, by the same rule as the gateway's."""
    if not simulator_url:
        return ()
    registry = catalog.registry()
    targets = Targets(registry, environ=os.environ, simulator_url=simulator_url, simulate=simulate)
    serving = {model.provider for model in registry.models}
    return tuple(sorted(name for name, simulated in targets.providers().items() if simulated and name in serving))
