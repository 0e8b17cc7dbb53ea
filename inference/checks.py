"""System checks of the models file and the settings that name models: a wrong one stops the start, not a call."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from inference import catalog
from inference.registry import Registry, RegistryError


def check_models(**_: Any) -> list[CheckMessage]:
    """asahi.E010: a problem in `config/models.yaml`. asahi.E011: a setting names a model that cannot be called."""
    try:
        registry = catalog.registry()
    except RegistryError as error:
        return [Error(problem, hint=f"See {catalog.models_path()}.", id="asahi.E010") for problem in error.problems]
    return _baseline_problems(registry, settings.ASAHI.routing.baseline_model)


def _baseline_problems(registry: Registry, name: str) -> list[CheckMessage]:
    if registry.find(name) is not None:
        return []
    retirement = registry.retired(name)
    if retirement is None:
        problem, hint = f"The baseline model '{name}' is not registered.", "Set ASAHI_ROUTING_BASELINE_MODEL."
    else:
        problem = f"The baseline model '{name}' was retired on {retirement.on.isoformat()}."
        hint = f"Set ASAHI_ROUTING_BASELINE_MODEL to {retirement.successor}."
    return [Error(problem, hint=hint, id="asahi.E011")]
