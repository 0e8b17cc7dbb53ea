"""When neither store takes an event, the answer is given if the call is on record, and the event follows."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import httpx
import psycopg
import pytest

from analytics import door
from tests.gateway.concurrency import question
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.flaky_proxy import FlakyProxy

SPOOL = door.spool


async def _no_spool(*_: Any) -> None:
    raise psycopg.OperationalError("Postgres is away")


def test_an_answer_is_given_and_its_event_follows_when_both_stores_go_away_in_the_middle(
    gateway: Served, tenant: Tenant, simulator: Simulator, redis_proxy: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.faults(latency_ms=800)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(gateway.chat(tenant, "both away", model="gpt-6-luna")))
    asking.start()
    time.sleep(0.4)
    with redis_proxy.cut(), monkeypatch.context() as patch:
        patch.setattr(door, "spool", _no_spool)
        asking.join(10)
        assert [answer.status_code for answer in answers] == [200]
    (entry,) = tenant.ledger(1)
    assert (entry.outcome, entry.output_tokens) == ("ok", simulator.calls()[0]["output_tokens"])


def test_without_any_record_there_is_no_answer_and_the_cost_is_not_forgotten(
    gateway: Served, tenant: Tenant, redis_proxy: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.chat(tenant, "so that the key is known")
    with redis_proxy.cut(), monkeypatch.context() as patch:
        patch.setattr(door, "spool", _no_spool)
        answer = gateway.chat(tenant, "no record", model="gpt-6-luna")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
    assert len(tenant.ledger(2)) == 2


def test_leaving_while_the_call_is_recorded_changes_nothing_of_its_record(
    gateway: Served, tenant: Tenant, simulator: Simulator, redis_proxy: FlakyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = threading.Event()

    async def slow_spool(*arguments: Any) -> None:
        recording.set()
        await asyncio.sleep(0.5)
        await SPOOL(*arguments)

    body = question("leave while it is recorded", stream=True)
    with redis_proxy.cut(), monkeypatch.context() as patch:
        with gateway.http.stream("POST", "/v1/chat/completions", json=body, headers=tenant.headers) as answer:
            patch.setattr(door, "spool", slow_spool)
            for line in answer.iter_lines():
                if '"finish_reason":"length"' in line or '"finish_reason":"stop"' in line:
                    recording.wait(2)
                    break
        (entry,) = tenant.ledger(1)
    assert (entry.outcome, entry.output_tokens) == ("ok", simulator.calls()[0]["output_tokens"])


def test_an_abandoned_call_with_an_image_is_billed_for_its_words_not_its_bytes(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(latency_ms=20_000)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 50_000}}
    content = [{"type": "text", "text": "What is in this picture?"}, image]
    body = {"model": "gpt-6-luna", "max_tokens": 16, "messages": [{"role": "user", "content": content}]}
    with pytest.raises(httpx.ReadTimeout):
        gateway.http.post("/v1/chat/completions", json=body, headers=tenant.headers, timeout=1.0)
    (entry,) = tenant.ledger(1, patience=5)
    assert (entry.outcome, entry.usage_estimated) == ("client_disconnect", True)
    assert 0 < entry.input_tokens < 50
