"""T2 with an embedder behind an API: what it costs is Asahi's, and in every receipt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis
from django.conf import settings

from analytics.models import LedgerEntry
from caching.models import SemanticVector
from tests.gateway.conftest import Simulator, Tenant
from tests.gateway.test_killed_web_process import web_process
from tests.gateway.test_semantic_cache import ANSWER, ASKED, MODEL, learned

ALMOST = ASKED.replace("do I", "can I")
VERIFIER = "gpt-5.4-nano"


@pytest.fixture(scope="module", params=["cohere", "openai"])
def remote(request: pytest.FixtureRequest, simulator_server: Simulator, recorder: Any) -> Iterator[tuple[str, str]]:
    """A gateway whose questions go to this provider, and its URL."""
    patch = pytest.MonkeyPatch()
    patch.setenv("ASAHI_CACHE_EMBEDDER", request.param)
    patch.setenv("ASAHI_CACHE_VERIFIER_MODEL", VERIFIER)
    patch.setenv("ASAHI_CACHE_VERIFIER_TIMEOUT_MS", "5000")
    with web_process(simulator_server) as (_, url):
        patch.undo()
        yield request.param, url


def ask(url: str, tenant: Tenant, text: str) -> str:
    """Where the answer came from."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    with httpx.Client(base_url=url, headers=tenant.headers, timeout=30) as http:
        answer = http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"] == ANSWER
        return answer.headers["x-asahi-cache"]


def found(entry: LedgerEntry) -> bool:
    """Whether T2 knew the answer: now and then one is not served, to be checked."""
    return entry.receipt["evidence"]["t2"]["outcome"] in ("hit", "checked")


def forget_t1(tenant: Tenant) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        keys = list(client.scan_iter(f"asahi:t1:{{{tenant.org_id}}}:*"))
        assert keys
        client.delete(*keys)


@pytest.mark.timeout(120)
def test_embeddings_and_verifiers_are_paid_by_us_and_shown(
    remote: tuple[str, str], tenant: Tenant, simulator: Simulator
) -> None:
    provider, url = remote
    for text in (ASKED, ALMOST):
        simulator.record(MODEL, text, ANSWER)
    assert ask(url, tenant, ASKED) == "miss"
    learned(tenant)
    size = {"cohere": 1024, "openai": 1536}[provider]
    assert {row.dimensions for row in SemanticVector.objects.for_org(tenant.org_id)} == {size}

    assert ask(url, tenant, ALMOST) == "miss"  # so near that the local embedder's thresholds would have served it
    forget_t1(tenant)
    tier = ask(url, tenant, ASKED)

    asked, almost, again = tenant.ledger(3)
    for entry in (asked, almost, again):
        evidence = entry.receipt["evidence"]
        spent = [evidence[what] for what in ("embedding", "verifier") if what in evidence]
        assert evidence["embedding"]["tokens"] > 5
        assert entry.own_spend_nano == sum(part["own_spend_nano"] for part in spent) > 0
    assert found(again)
    assert (again.cost_nano, again.original_cost_nano) == (0 if tier == "t2" else asked.cost_nano, asked.cost_nano)
    verified = almost.receipt["evidence"]["verifier"]
    assert verified["model"] == VERIFIER
    assert verified["own_spend_nano"] > 0
    assert f"the verifier did not answer with its code ({VERIFIER})" in almost.receipt["stages"]["t2"]
    assert "verifier" not in again.receipt["evidence"]
    embedded = [call for call in simulator.calls() if "embed" in call["model"]]
    assert len(embedded) == 3


@pytest.mark.timeout(120)
def test_the_questions_of_who_does_not_allow_the_model_stay_here(
    remote: tuple[str, str], make_tenant: Any, simulator: Simulator
) -> None:
    provider, url = remote
    tenant = make_tenant(
        denied_models=[{"cohere": "embed-v4.0", "openai": "text-embedding-3-small"}[provider], VERIFIER]
    )
    for text in (ASKED, ALMOST):
        simulator.record(MODEL, text, ANSWER)
    ask(url, tenant, ASKED)
    learned(tenant)
    assert {row.dimensions for row in SemanticVector.objects.for_org(tenant.org_id)} == {384}
    ask(url, tenant, ALMOST)
    assert found(tenant.ledger(2)[-1])
    assert {call["model"] for call in simulator.calls()} == {MODEL}
    assert {entry.own_spend_nano for entry in tenant.ledger(2)} == {0}
