"""What every test may ask for. The servers themselves are started by `tests/settings.py`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker

from governance.models import User
from tests.cast import Tenant, found

pytest_plugins = ["tests.served"]


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database. Always made: a served gateway has connections of its own, of which no marker tells."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture
def acme(db: None) -> Tenant:
    """The organization most tests are about; alice owns it."""
    return found("Acme", "alice@acme.example")


@pytest.fixture
def rival(db: None) -> Tenant:
    """Another organization, which must never see anything of Acme's; bob owns it."""
    return found("Rival", "bob@rival.example")


@pytest.fixture
def alice(acme: Tenant) -> User:
    return acme.owner


@pytest.fixture
def bob(rival: Tenant) -> User:
    return rival.owner


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database whose rows other connections see too, emptied afterwards of all that hangs on people and tenants.

    Django's own way of emptying it stops at the ledger, which is partitioned and so not one of its tables.
    """
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE governance_user, governance_organization, django_session CASCADE")
        connection.close()


@pytest.fixture
def valkey() -> Iterator[redis.Redis]:
    """A client of this run's Valkey, which is empty before the test."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The browser for tests of pages: the system's, or Playwright's own. Where CI=true, one must be there."""
    own = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    candidates = (Path("/usr/bin/chromium"), *sorted(own.glob("chromium-*/chrome-*/chrome")))
    found_at = next((path for path in candidates if path.exists()), None)
    if found_at is None:
        no_browser = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        no_browser("no Chromium: install the system's `chromium`, or run `playwright install chromium`")
    return found_at
