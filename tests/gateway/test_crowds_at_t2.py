"""Many who ask the same at once, and T2 knows: it is looked up once, for all of them."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from governance.gatekeeper import Gatekeeper
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.test_semantic_cache import AGAIN, ANSWER, ASKED, MODEL, ask, learned

CROWD = 30


@pytest.mark.parametrize(("cache", "tiers"), [("on", {"t2"}), ("exact", {"miss", "t1"})])
def test_a_crowd_is_admitted_once_each_and_gets_the_same(
    gateway: Served, tenant: Tenant, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, cache: str,
    tiers: set[str],
) -> None:  # fmt: skip
    simulator.record(MODEL, ASKED, ANSWER)
    simulator.record(MODEL, AGAIN, ANSWER)
    ask(gateway, tenant, ASKED)
    learned(tenant)
    admitted, admit = [], Gatekeeper.admit

    async def counted(self: Gatekeeper, *asked: object) -> object:
        admitted.append(asked)
        return await admit(self, *asked)  # type: ignore[arg-type]

    monkeypatch.setattr(Gatekeeper, "admit", counted)

    async def crowd() -> list[httpx.Response]:
        body = {"model": MODEL, "messages": [{"role": "user", "content": AGAIN}]}
        headers = {**tenant.headers, "x-asahi-cache": cache}
        async with httpx.AsyncClient(base_url=gateway.http.base_url, timeout=30) as client:
            calls = [client.post("/v1/chat/completions", json=body, headers=headers) for _ in range(CROWD)]
            return list(await asyncio.gather(*calls))

    answers = asyncio.run(crowd())
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-asahi-cache"] for answer in answers} <= tiers
    assert {answer.json()["choices"][0]["message"]["content"] for answer in answers} == {ANSWER}
    assert len(admitted) <= 2 * CROWD
    for entry in tenant.ledger(CROWD + 1)[1:]:
        assert cache == "exact" or "same question" in entry.receipt["stages"]["t2"]
