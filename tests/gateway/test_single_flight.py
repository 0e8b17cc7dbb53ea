"""Identical calls in flight share one upstream call, one charge, and one fate."""

from __future__ import annotations

import asyncio
import dataclasses
from decimal import Decimal
from typing import Any

import httpx

from tests.gateway.concurrency import chat_at_once, question
from tests.gateway.conftest import Served, Simulator, Tenant, events_of

SLOW = {"latency_ms": 400}


def test_200_identical_calls_make_one_upstream_call_and_one_charge(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(**SLOW)
    answers = chat_at_once(gateway, tenant, [question("How tall is the Eiffel tower?")] * 200)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["choices"][0]["message"]["content"] for answer in answers}) == 1
    assert len(simulator.calls()) == 1
    assert sum(Decimal(answer.headers["x-asahi-cost"]) > 0 for answer in answers) == 1
    entries = tenant.ledger(200)
    assert sum(entry.cost_nano > 0 for entry in entries) == 1


def test_streams_and_whole_calls_share_too(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    simulator.faults(**SLOW)
    bodies = [question("How deep is the Mariana trench?", stream=stream) for stream in (True, False, True, False)]
    streamed, whole, streamed_too, whole_too = chat_at_once(gateway, tenant, bodies)
    text = whole.json()["choices"][0]["message"]["content"]
    assert whole_too.json()["choices"][0]["message"]["content"] == text
    assert _text_of(streamed) == _text_of(streamed_too) == text
    assert len(simulator.calls()) == 1


def test_a_budget_for_one_answers_every_identical_call(gateway: Served, make_tenant: Any, simulator: Simulator) -> None:
    simulator.faults(**SLOW)
    tenant = make_tenant(daily_budget_nano=60_000)
    body = question("How wide is the Grand Canyon?")
    answers = chat_at_once(gateway, tenant, [body] * 20)
    assert {answer.status_code for answer in answers} == {200}


def test_a_failure_is_shared_and_charges_nobody(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    simulator.faults(error_rate=1.0, error_status=500, **SLOW)
    answers = chat_at_once(gateway, tenant, [question("How old is the universe?")] * 5)
    assert {answer.status_code for answer in answers} == {503}
    assert all(entry.cost_nano == 0 for entry in tenant.ledger(1))


def test_others_are_answered_when_the_first_caller_leaves(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(latency_ms=1500)
    body = question("How far is the moon?")

    async def leave_and_stay() -> httpx.Response:
        async with httpx.AsyncClient(base_url=gateway.url, timeout=30, headers=tenant.headers) as client:
            leaver = asyncio.create_task(client.post("/v1/chat/completions", json=body))
            await asyncio.sleep(0.2)
            stayer = asyncio.create_task(client.post("/v1/chat/completions", json=body))
            await asyncio.sleep(0.2)
            leaver.cancel()
            return await stayer

    assert asyncio.run(leave_and_stay()).status_code == 200
    assert len(simulator.calls()) == 1


def test_calls_that_must_not_be_cached_are_not_shared(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    simulator.faults(**SLOW)
    uncached = dataclasses.replace(tenant, extra={"x-asahi-cache": "off"})
    answers = chat_at_once(gateway, uncached, [question("Roll a die.")] * 3)
    assert {answer.status_code for answer in answers} == {200}
    assert len(simulator.calls()) == 3


def _text_of(answer: httpx.Response) -> str:
    return "".join(event["choices"][0]["delta"].get("content") or "" for event in events_of(answer.text))
