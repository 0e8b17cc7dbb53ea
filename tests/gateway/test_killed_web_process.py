"""`kill -9` of the web process in the middle of streams: every upstream call is in the ledger once, within a minute."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from django.conf import settings

from analytics.ids import from_uuid
from analytics.models import LedgerEntry
from analytics.recorder import Recorder
from tests.gateway.concurrency import question
from tests.gateway.conftest import Simulator, Tenant, database_url_of_tests

STREAMS = 100


@contextmanager
def web_process(simulator: Simulator) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A web process of its own, on the tests' databases."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "asahi_site.settings",
        "DATABASE_URL": database_url_of_tests(),
        "REDIS_URL": settings.REDIS_URL,
        "ASAHI_PROVIDERS_SIMULATOR_URL": simulator.url,
    }
    command = ["-m", "uvicorn", "asahi_site.asgi:application", "--port", str(port), "--no-access-log"]
    process = subprocess.Popen([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_served(url)
        yield process, url
    finally:
        process.kill()
        process.wait(10)


def _wait_until_served(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"{url}/health").raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < deadline, "the web process did not start"
            time.sleep(0.1)
        else:
            return


async def _stream_until_killed(url: str, tenant: Tenant, process: subprocess.Popen[bytes]) -> int:
    """Open the streams, kill the process once all have begun, and give how many had."""
    begun = 0

    async def stream(client: httpx.AsyncClient, number: int) -> None:
        nonlocal begun
        body = question(f"a long story, number {number}", stream=True, max_tokens=400)
        try:
            async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
                begun += 1
                async for _ in answer.aiter_raw():
                    pass
        except httpx.HTTPError:
            return

    limits = httpx.Limits(max_connections=STREAMS)
    async with httpx.AsyncClient(base_url=url, headers=tenant.headers, timeout=30, limits=limits) as client:
        streams = [asyncio.create_task(stream(client, number)) for number in range(STREAMS)]
        deadline = time.monotonic() + 20
        while begun < STREAMS and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.gather(*streams)
    return begun


@pytest.mark.stack
@pytest.mark.timeout(180)
def test_every_upstream_call_is_in_the_ledger_once_after_kill_9(
    simulator: Simulator, tenant: Tenant, recorder: Recorder
) -> None:
    simulator.faults(chunk_ms=300)
    with web_process(simulator) as (process, url):
        assert asyncio.run(_stream_until_killed(url, tenant, process)) == STREAMS
    with web_process(simulator):
        deadline = time.monotonic() + 60
        while LedgerEntry.objects.for_org(tenant.org_id).count() < STREAMS and time.monotonic() < deadline:
            time.sleep(0.5)
    called = sorted(call["metadata"] for call in simulator.calls())
    entries = list(LedgerEntry.objects.for_org(tenant.org_id))
    assert len(called) == STREAMS
    assert sorted(from_uuid(entry.request_id) for entry in entries) == called
    assert {entry.kind for entry in entries} == {LedgerEntry.Kind.ESTIMATE}
    assert all(entry.cost_nano > 0 for entry in entries)
