"""What the page tests share: assets straight from their folders, no rate limits, and a small cast of people."""

from __future__ import annotations

import pytest
from django.test import Client

from governance.models import User
from tests.web.cast import Person, new_person

PAGE_STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@pytest.fixture(autouse=True)
def _pages_without_collected_assets(settings):
    """The manifest storage wants `collectstatic` first; the rate limits would count tests, not visitors."""
    settings.STORAGES = PAGE_STORAGES
    settings.STATIC_ROOT = settings.BASE_DIR / "static"
    settings.ACCOUNT_RATE_LIMITS = False
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def hana(db) -> Person:
    """The owner of Sunrise Labs."""
    return new_person("hana@sunrise.example", "Sunrise Labs")


@pytest.fixture
def otto(db) -> Person:
    """The owner of another organization, who must never see anything of Hana's."""
    return new_person("otto@moonset.example", "Moonset Ltd")


@pytest.fixture
def browser_of():
    """A signed-in Django client."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in
