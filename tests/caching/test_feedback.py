"""`/cache/feedback`: a wrong answer goes and teaches the threshold, once, and only in its own organization."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.db import transaction
from django.test import Client
from django.utils import timezone

from analytics import ledger
from caching.calibration import Calibration
from caching.domain import Filing
from caching.models import CacheFeedback, CalibrationState
from governance.domain import Scope
from governance.erasure import Erased, erase_user
from governance.keys import issue_key
from tests.analytics.happenings import cache_hit, finished
from tests.caching.keeping import exact_entries, keep_exact, keep_semantic, semantic_entries
from tests.cast import Tenant

PATH = "/cache/feedback"
FILING = Filing("key-1", (), "user-7")
DECIDED = {"outcome": "hit", "similarity": 0.93, "certainty": 0.91, "task": "qa", "embedder": "test-1"}


def served(tenant: Tenant, tier: int = 2, **facts: Any) -> str:
    """A request answered from a cache, and its id."""
    receipt = {"stages": {}, "evidence": {f"t{tier}": facts}}
    event = cache_hit(tenant.org.pk, tier, at=timezone.now(), receipt=receipt, end_user="user-7")
    with transaction.atomic():
        ledger.record([event])
    return event.request_id


def say(client: Client, tenant: Tenant | None, request_id: str, wrong: bool = True, **more: Any) -> Any:
    headers = {} if tenant is None else tenant.headers
    body = {"request_id": request_id, "wrong": wrong, **more}
    return client.post(PATH, body, content_type="application/json", headers=headers)


def labels(tenant: Tenant) -> tuple[float, float]:
    """How often the threshold was told right and wrong."""
    states = [Calibration.from_json(bytes(row.state)) for row in CalibrationState.objects.for_org(tenant.org.pk)]
    return sum(sum(state.right) for state in states), sum(sum(state.wrong) for state in states)


@pytest.mark.parametrize("tier", [2, 3])
def test_a_wrong_answer_goes_and_teaches_the_threshold(client: Client, acme: Tenant, tier: int) -> None:
    entry, other = keep_semantic(acme.org.pk, FILING), keep_semantic(acme.org.pk, FILING)
    request_id = served(acme, tier, entry=entry, **DECIDED)
    answer = say(client, acme, request_id, comment="It is about another account.")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"request_id": request_id, "wrong": True, "removed": True, "taught": True}
    assert semantic_entries(acme.org.pk) == {other}
    assert labels(acme) == (0, 1)
    (kept,) = CacheFeedback.objects.for_org(acme.org.pk)
    assert (kept.tier, kept.wrong, kept.comment) == (tier, True, "It is about another account.")


def test_a_right_answer_stays_and_teaches_too(client: Client, acme: Tenant) -> None:
    entry = keep_semantic(acme.org.pk, FILING)
    answer = say(client, acme, served(acme, entry=entry, **DECIDED), wrong=False)
    assert (answer.json()["removed"], answer.json()["taught"]) == (False, True)
    assert semantic_entries(acme.org.pk) == {entry}
    assert labels(acme) == (1, 0)


def test_the_same_said_twice_counts_once_and_the_last_word_counts(client: Client, acme: Tenant) -> None:
    request_id = served(acme, entry=keep_semantic(acme.org.pk, FILING), **DECIDED)
    for wrong, counted in ((True, (0, 1)), (True, (0, 1)), (False, (1, 0)), (False, (1, 0)), (True, (0, 1))):
        assert say(client, acme, request_id, wrong).status_code == 200
        assert labels(acme) == counted
    assert CacheFeedback.objects.for_org(acme.org.pk).count() == 1


def test_it_is_added_to_what_the_threshold_knows_already(client: Client, acme: Tenant) -> None:
    known = Calibration().with_request(0.91).with_label(0.91, right=True).with_label(0.2, right=False)
    facts = {"task": "qa", "embedder": "test-1", "changed_at": timezone.now()}
    CalibrationState.objects.create(org=acme.org, state=known.to_json(), **facts)
    say(client, acme, served(acme, **DECIDED))
    assert labels(acme) == (1, 2)
    assert Calibration.from_json(bytes(CalibrationState.objects.get().state)).requests == 1


def test_an_exact_answer_that_is_wrong_goes_and_teaches_nothing(
    client: Client, acme: Tenant, valkey: redis.Redis
) -> None:
    entry = keep_exact(valkey, acme.org.pk, FILING)
    answer = say(client, acme, served(acme, 1, entry=entry))
    assert (answer.json()["removed"], answer.json()["taught"]) == (True, False)
    assert exact_entries(valkey, acme.org.pk) == set()
    assert labels(acme) == (0, 0)


@pytest.mark.parametrize("facts", [{}, {"certainty": 0.9}, {"certainty": "high", "task": "qa", "embedder": "e"}])
def test_a_receipt_that_says_less_is_judged_all_the_same(client: Client, acme: Tenant, facts: dict[str, Any]) -> None:
    assert say(client, acme, served(acme, **facts)).json()["taught"] is False
    assert CacheFeedback.objects.for_org(acme.org.pk).get().wrong is True


def test_an_answer_of_a_provider_is_not_judged(client: Client, acme: Tenant) -> None:
    event = finished(acme.org.pk, at=timezone.now())
    with transaction.atomic():
        ledger.record([event])
    answer = say(client, acme, event.request_id)
    assert answer.status_code == 422
    assert "not answered from a cache" in answer.json()["error"]["message"]


def test_another_organization_s_request_does_not_exist(client: Client, acme: Tenant, rival: Tenant) -> None:
    entry = keep_semantic(acme.org.pk, FILING)
    request_id = served(acme, entry=entry, **DECIDED)
    assert say(client, rival, request_id).status_code == 404
    for unknown in ("req_nothing", "x", "req_" + "0" * 32):
        assert say(client, acme, unknown).status_code == 404
    assert semantic_entries(acme.org.pk) == {entry}
    assert not CacheFeedback.objects.exists()
    assert labels(acme) == (0, 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"wrong": True}, "request_id"),
        ({"request_id": "req_1"}, "wrong"),
        ({"request_id": "req_1", "wrong": "perhaps"}, "wrong"),
        ({"request_id": "req_1", "wrong": True, "comment": "x" * 501}, "comment"),
        ({"request_id": "req_1", "wrong": True, "why": "x"}, "why"),
    ],
)
def test_what_is_wrong_with_it_is_named(client: Client, acme: Tenant, body: dict[str, Any], field: str) -> None:
    answer = client.post(PATH, body, content_type="application/json", headers=acme.headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith(f"{field}:")


def test_whoever_may_ask_may_judge_and_nobody_else(client: Client, acme: Tenant) -> None:
    request_id = served(acme, **DECIDED)
    assert say(client, None, request_id).status_code == 401
    for scope, status in ((Scope.INFER, 200), (Scope.ANALYTICS, 403)):
        key = issue_key(org_id=acme.org.pk, name="app", scopes=[scope])
        assert say(client, Tenant(acme.org, acme.owner, key), request_id).status_code == status


def test_a_comment_is_erased_with_the_user_it_is_about(client: Client, acme: Tenant) -> None:
    say(client, acme, served(acme, **DECIDED), comment="user-7 asked about her knee")
    erased = erase_user(org_id=acme.org.pk, end_user="user-7")
    assert isinstance(erased, Erased)
    assert erased.counts["feedback comments"] == 1
    kept = CacheFeedback.objects.for_org(acme.org.pk).get()
    assert (kept.comment, kept.wrong) == ("", True)
