"""Clients as their makers publish them: only the address and the key are ours."""

from __future__ import annotations

import ssl
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path

import anthropic
import openai
import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from asahi_site import runtime
from inference import catalog
from inference.models import Batch
from inference.tasks import advance_batches, make_responses
from tests.conformance.skips import NO_PACKAGES, NOT_YET, SKIPS
from tests.served import Served, Simulator, Tenant, database_url_of_tests

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def trust() -> ssl.SSLContext:
    """Which certificates to believe: what takes longest to read when a client is made."""
    return ssl.create_default_context()


@pytest.fixture(scope="session")
def any_gpt(served: Served, trust: ssl.SSLContext) -> Iterator[openai.OpenAI]:
    """One pool of connections for all tests, as an application has one; the key is each test's own."""
    http = openai.DefaultHttpxClient(verify=trust)
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="of the test", http_client=http) as client:
        yield client


@pytest.fixture
def gpt(any_gpt: openai.OpenAI, gateway: Served, tenant: Tenant) -> openai.OpenAI:
    return any_gpt.with_options(api_key=tenant.key)


@pytest.fixture
async def async_gpt(gateway: Served, tenant: Tenant, trust: ssl.SSLContext) -> AsyncIterator[openai.AsyncOpenAI]:
    http = openai.DefaultAsyncHttpxClient(verify=trust)
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key, http_client=http) as client:
        yield client


@pytest.fixture(scope="session")
def any_claude(served: Served, trust: ssl.SSLContext) -> Iterator[anthropic.Anthropic]:
    http = anthropic.DefaultHttpxClient(verify=trust)
    with anthropic.Anthropic(base_url=served.url, api_key="of the test", http_client=http) as client:
        yield client


@pytest.fixture
def claude(any_claude: anthropic.Anthropic, gateway: Served, tenant: Tenant) -> anthropic.Anthropic:
    return any_claude.with_options(api_key=tenant.key)


@pytest.fixture
async def async_claude(
    gateway: Served, tenant: Tenant, trust: ssl.SSLContext
) -> AsyncIterator[anthropic.AsyncAnthropic]:
    http = anthropic.DefaultAsyncHttpxClient(verify=trust)
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=tenant.key, http_client=http) as client:
        yield client


@pytest.fixture(scope="module")
def organization(found_tenant: Callable[..., Tenant]) -> Tenant:
    """A tenant for a whole file of tests."""
    return found_tenant()


@pytest.fixture
def worker(gateway: Served, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The worker's tasks, again and again, as Celery runs them when there is something to do."""
    monkeypatch.setattr(settings, "DATABASE_URL", database_url_of_tests())
    monkeypatch.setattr(settings, "SIMULATOR_URL", simulator.url)
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.1):
            make_responses()
            Batch.objects.filter(due_at__isnull=False).update(due_at=timezone.now())  # a provider is asked every 15 s
            advance_batches()
        connections.close_all()

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    yield
    over.set()
    thread.join(20)


@pytest.fixture
def closed_breakers(gateway: Served) -> Iterator[None]:
    """For tests whose provider fails: the next test meets models in good health."""
    yield
    breakers = runtime.current().breakers
    for name in (*breakers.open_now(), *(model.id for model in catalog.registry().models)):
        breakers.succeeded(name)


def _name(item: pytest.Item) -> str | None:
    """A test's name below this folder; None for the tests of other folders."""
    return item.nodeid.split("tests/conformance/", 1)[1] if item.path.is_relative_to(HERE) else None


def _is_listed(item: pytest.Item, report: pytest.TestReport) -> bool:
    return _name(item) in SKIPS or NO_PACKAGES in str(report.longrepr)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        name = _name(item) or ""
        if name in SKIPS:
            item.add_marker(pytest.mark.skip(reason=SKIPS[name]))
        if name in NOT_YET:
            item.add_marker(pytest.mark.xfail(strict=True, reason=NOT_YET[name]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself where nobody expected it fails instead: a gap must be listed with its reason."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and not _is_listed(item, report):
        report.outcome = "failed"
        report.longrepr = f"skipped, but not listed in SKIPS: {report.longrepr}"
    return report
