"""Documents that callers name: sent once with an id, asked about by the id alone, and never anybody else's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.conf import settings

from caching.models import SemanticAnswer
from caching.purging import Kind, purge
from caching.workflow.models import WorkflowDocument
from inference import gateway as installed
from inference.semantic import stage
from tests.gateway.conftest import Served, Simulator, Tenant

DOCUMENT = "".join(f"{n}. The committee heard report number {n} and took note of it.\n" for n in range(200))
MODEL = "claude-sonnet-5-5"
WHO, WHO_AGAIN = "Who took note of report number seven?", "Who was it that took note of report number seven?"


def infer(gateway: Served, tenant: Tenant, prompt: str, **fields: Any) -> httpx.Response:
    body = {"prompt": prompt, "model_override": MODEL, **fields}
    return gateway.http.post("/infer", json=body, headers=tenant.headers)


def answered(gateway: Served, tenant: Tenant, prompt: str, **fields: Any) -> dict[str, Any]:
    answer = infer(gateway, tenant, prompt, **fields)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_document_that_was_sent_once_is_asked_about_by_its_id(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    first = answered(gateway, tenant, WHO, document=DOCUMENT, document_id="minutes")
    again = answered(gateway, tenant, "What is this about?", document_id="minutes")
    assert abs(first["tokens_input"] - again["tokens_input"]) < 20
    assert answered(gateway, tenant, WHO, document_id="minutes")["cache_tier"] == 1, "it is the very same call"


def test_an_id_that_nothing_is_kept_under_is_refused_by_name(gateway: Served, tenant: Tenant) -> None:
    refused = infer(gateway, tenant, WHO, document_id="unknown")
    assert refused.status_code == 400
    assert refused.json()["error"]["details"] == {"param": "document_id"}
    assert "'unknown'" in refused.json()["error"]["message"]


def test_a_prompt_that_brings_the_document_itself_may_name_it(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    assert answered(gateway, tenant, f"{DOCUMENT}\n\nQuestion: {WHO}", document_id="unknown")["cache_tier"] == 0


def test_a_document_is_its_organizations_own(gateway: Served, tenant: Tenant, make_tenant: Any) -> None:
    answered(gateway, tenant, WHO, document=DOCUMENT, document_id="minutes")
    assert infer(gateway, make_tenant(), WHO, document_id="minutes").status_code == 400


def test_another_text_under_the_same_id_takes_its_place(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    answered(gateway, tenant, WHO, document=DOCUMENT, document_id="minutes")
    answered(gateway, tenant, WHO, document="All reports were withdrawn.", document_id="minutes")
    last = answered(gateway, tenant, "What is this about?", document_id="minutes")
    assert last["tokens_input"] < 100
    assert WorkflowDocument.objects.for_org(tenant.org_id).count() == 1


def test_it_is_sealed(gateway: Served, tenant: Tenant) -> None:
    answered(gateway, tenant, WHO, document=DOCUMENT, document_id="minutes")
    kept = WorkflowDocument.objects.for_org(tenant.org_id).get()
    assert settings.ENCRYPTION_KEY
    assert bytes(kept.sealed)[:1] == b"\1"
    assert b"committee" not in bytes(kept.sealed)


def test_it_is_forgotten_after_its_time_and_when_it_is_purged(gateway: Served, tenant: Tenant) -> None:
    for forget in (
        lambda: purge(org_id=tenant.org_id, kind=Kind.DOCUMENT, name="minutes"),
        lambda: WorkflowDocument.objects.for_org(tenant.org_id).update(expires_at="2020-01-01T00:00Z"),
    ):
        answered(gateway, tenant, WHO, document=DOCUMENT, document_id="minutes")
        forget()
        assert infer(gateway, tenant, WHO, document_id="minutes").status_code == 400


def test_the_same_question_in_other_words_about_the_same_document_is_answered_from_t3(
    gateway: Served, tenant: Tenant, simulator: Simulator, learned: Any
) -> None:
    first = answered(gateway, tenant, WHO, document=DOCUMENT, document_id="minutes")
    learned(tenant)
    again = answered(gateway, tenant, WHO_AGAIN, document_id="minutes")
    entry = tenant.ledger(2)[1]
    assert (again["cache_tier"], again["response"]) == (3, first["response"]), entry.receipt["stages"]
    assert (entry.tier, entry.cost_nano) == (3, 0)
    assert dict(entry.receipt["bill"]["parts"]) == {"cache_t3": entry.original_cost_nano}


@pytest.mark.parametrize("place", [0, len(DOCUMENT) // 2, len(DOCUMENT) - 2])
def test_one_changed_character_of_the_document_makes_every_answer_a_new_one(
    gateway: Served, tenant: Tenant, simulator: Simulator, learned: Any, place: int
) -> None:
    answered(gateway, tenant, WHO, document=DOCUMENT, document_id="minutes")
    answered(gateway, tenant, f"{DOCUMENT}\n\nQuestion: {WHO}")
    learned(tenant, 2)
    changed = DOCUMENT[:place] + "#" + DOCUMENT[place + 1 :]
    assert answered(gateway, tenant, WHO_AGAIN, document=changed, document_id="minutes")["cache_tier"] == 0
    assert answered(gateway, tenant, f"{changed}\n\nQuestion: {WHO_AGAIN}")["cache_tier"] == 0


def test_two_organizations_with_the_same_document_share_nothing(
    gateway: Served, tenant: Tenant, make_tenant: Any, simulator: Simulator, learned: Any
) -> None:
    answered(gateway, tenant, WHO, document=DOCUMENT)
    learned(tenant)
    assert answered(gateway, make_tenant(), WHO_AGAIN, document=DOCUMENT)["cache_tier"] == 0


def test_a_document_and_its_question_in_one_message_are_told_apart(
    gateway: Served, tenant: Tenant, simulator: Simulator, learned: Any
) -> None:
    first = answered(gateway, tenant, f"{DOCUMENT}\n\nQuestion: {WHO}")
    learned(tenant)
    again = answered(gateway, tenant, f"{DOCUMENT}\n\nQuestion: {WHO_AGAIN}")
    assert (again["cache_tier"], again["response"]) == (3, first["response"])


def test_an_organization_keeps_no_more_than_it_may(
    gateway: Served, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed.current().documents._store, "_quota", 2 * len(DOCUMENT))
    for name in ("one", "two"):
        answered(gateway, tenant, WHO, document=DOCUMENT, document_id=name)
    refused = infer(gateway, tenant, WHO, document=DOCUMENT, document_id="three")
    assert refused.status_code == 400
    assert "purge some" in refused.json()["error"]["message"]
    assert infer(gateway, tenant, WHO, document=f"{DOCUMENT}"[:-9], document_id="two").status_code == 200


@pytest.fixture(autouse=True)
def never_unlucky(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hit is sent on to see whether it would have been right."""
    monkeypatch.setattr(stage, "_luck_of", lambda _: 0.999)


@pytest.fixture
def learned(open_database: None) -> Callable[..., None]:
    """Waits until so many answers are kept."""

    def wait(tenant: Tenant, count: int = 1) -> None:
        deadline = time.monotonic() + 10
        while SemanticAnswer.objects.for_org(tenant.org_id).count() < count:
            assert time.monotonic() < deadline, "nothing was kept"
            time.sleep(0.02)

    return wait
