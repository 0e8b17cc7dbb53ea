"""The price book and the registry of this process, read once from `config/models.yaml`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.conf import settings

from governance.provider_keys import KnownProvider
from inference.pricing import PriceBook
from inference.providers.addresses import address_of
from inference.registry import Registry


def models_path() -> Path:
    return Path(settings.BASE_DIR) / "config" / "models.yaml"


def approved_path() -> Path:
    """The rates of the price table that somebody looked at and took for right."""
    return Path(settings.BASE_DIR) / "config" / "prices.lock"


@cache
def price_book() -> PriceBook:
    """Raises RegistryError when the file does not fit its shape."""
    return PriceBook.load(models_path())


@cache
def registry() -> Registry:
    """Raises RegistryError with every problem in the file."""
    return Registry.load(models_path(), price_book())


@cache
def known_providers() -> Mapping[str, KnownProvider]:
    """The providers that an organization may have a key for, as governance needs to know them."""
    return {
        provider.id: KnownProvider(provider.name, bool(address_of(provider, os.environ)))
        for provider in registry().providers.values()
    }
