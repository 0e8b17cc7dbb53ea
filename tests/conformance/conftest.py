"""Clients as their makers publish them: only the address and the key are ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from asahi_site import runtime
from inference import catalog
from tests.conformance.skips import SKIPS
from tests.served import Served, Tenant

HERE = Path(__file__).parent


@pytest.fixture
def gpt(gateway: Served, tenant: Tenant) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key) as client:
        yield client


@pytest.fixture
async def async_gpt(gateway: Served, tenant: Tenant) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key) as client:
        yield client


@pytest.fixture
def claude(gateway: Served, tenant: Tenant) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=tenant.key) as client:
        yield client


@pytest.fixture
async def async_claude(gateway: Served, tenant: Tenant) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=tenant.key) as client:
        yield client


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        reason = SKIPS.get(_name(item) or "")
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself where nobody expected it fails instead: a gap must be listed with its reason."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _name(item) not in SKIPS:
        report.outcome = "failed"
        report.longrepr = f"skipped, but not listed in SKIPS: {report.longrepr}"
    return report
