"""System checks of the models file and the settings that name models: a wrong one stops the start, not a call."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from inference import catalog
from inference.price_review import model_changes
from inference.pricing.table import Table, TableError, approved_table, installed_table
from inference.providers.addresses import problems_with
from inference.registry import Registry, RegistryError


def check_models(**_: Any) -> list[CheckMessage]:
    """asahi.E010: a problem in `config/models.yaml`. asahi.E011: a setting names a model that cannot be called.

    asahi.E012: a price differs from the one approved. asahi.W012: a model has a price that nobody approved yet.
    asahi.W013: a provider is configured half.
    """
    try:
        registry = catalog.registry()
    except RegistryError as error:
        return [Error(problem, hint=f"See {catalog.models_path()}.", id="asahi.E010") for problem in error.problems]
    baseline = settings.ASAHI.routing.baseline_model
    return [*_baseline_problems(registry, baseline), *_price_problems(), *_provider_problems(registry)]


def _price_problems() -> list[CheckMessage]:
    """An upgrade of the price table never changes a bill before somebody has seen what it changes."""
    path, installed = catalog.approved_path(), installed_table(catalog.models_path())
    try:
        approved = approved_table(path) or Table("none", {})
    except TableError as error:
        return [Error(str(error), hint=f"See {path}.", id="asahi.E012")]
    problems: list[CheckMessage] = []
    for name in sorted(installed.models):
        if name not in approved.models:
            message = f"The price of {name} is not approved."
            problems.append(Warning(message, hint="`manage.py prices approve`", id="asahi.W012"))
        elif changed := model_changes(name, approved, installed):
            hint = "Review it with `manage.py prices diff`, then `manage.py prices approve`."
            problems.append(Error(f"A price is not as approved: {changed[0].strip()}", hint=hint, id="asahi.E012"))
    return problems


def _provider_problems(registry: Registry) -> list[CheckMessage]:
    """What is configured half leaves the provider uncalled, which is better than not to start."""
    return [
        Warning(f"{problem}.", hint=f"See the provider '{provider.id}' in {catalog.models_path()}.", id="asahi.W013")
        for provider in registry.providers.values()
        for problem in problems_with(provider, os.environ)
    ]


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
