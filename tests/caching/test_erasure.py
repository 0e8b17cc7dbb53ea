"""Erasing an end user: everything kept of them goes, what they cost stays, and nobody else loses anything."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from analytics import erasure as ledger_erasure
from analytics import ledger
from analytics.models import LedgerEntry
from caching.domain import Filing
from governance import erasure, outbox
from governance.erasure import Erased, erase_user
from governance.models import OutboxMessage
from inference.models import IdempotentCall, StoredResponse
from tests.analytics.happenings import finished
from tests.caching.keeping import exact_entries, keep_exact, keep_semantic, semantic_entries
from tests.cast import Tenant
from tests.gateway.conftest import Served
from tests.gateway.conftest import Tenant as Caller

HERS, HIS = Filing("key-1", ("nightly",), "user-7"), Filing("key-1", ("nightly",), "user-8")


def erase(org_id: object, user: str = "user-7") -> dict[str, int | None]:
    erased = erase_user(org_id=UUID(str(org_id)), end_user=user)
    assert isinstance(erased, Erased)
    return dict(erased.counts)


def record(org_id: object, user: str, **changes: Any) -> None:
    with transaction.atomic():
        ledger.record([finished(org_id, end_user=user, **changes)])


def sweep() -> None:
    OutboxMessage.objects.filter(topic=erasure.SWEEP).update(due_at=timezone.now())
    outbox.drain()


def test_the_caches_forget_one_user_and_keep_the_others(acme: Tenant, valkey: redis.Redis) -> None:
    keep_exact(valkey, acme.org.pk, HERS)
    keep_semantic(acme.org.pk, HERS)
    exact, semantic = keep_exact(valkey, acme.org.pk, HIS), keep_semantic(acme.org.pk, HIS)
    counts = erase(acme.org.pk)
    assert (counts["t1 answers"], counts["t2 answers"]) == (1, 1)
    assert exact_entries(valkey, acme.org.pk) == {exact}
    assert semantic_entries(acme.org.pk) == {semantic}


def test_the_ledger_loses_the_name_and_keeps_the_money(acme: Tenant, rival: Tenant) -> None:
    for org in (acme.org, rival.org):
        record(org.pk, "user-7")
    record(acme.org.pk, "user-8")
    assert erase(acme.org.pk)["ledger rows"] == 1
    rows = LedgerEntry.objects.for_org(acme.org.pk)
    assert sorted(rows.values_list("end_user", "cost_nano")) == [("", 220_000), ("user-8", 220_000)]
    assert LedgerEntry.objects.for_org(rival.org.pk).get().end_user == "user-7"


def test_what_is_recorded_late_loses_the_name_too_but_not_what_is_asked_afterwards(acme: Tenant) -> None:
    begun = timezone.now() - timedelta(seconds=1)
    erase(acme.org.pk)
    record(acme.org.pk, "user-7", at=begun)
    record(acme.org.pk, "user-7", at=timezone.now() + timedelta(seconds=2))
    sweep()
    rows = LedgerEntry.objects.for_org(acme.org.pk).order_by("started_at")
    assert list(rows.values_list("end_user", flat=True)) == ["", "user-7"]


def test_the_outbox_does_not_remember_whom_it_forgot(acme: Tenant) -> None:
    erase(acme.org.pk)
    sweep()
    messages = OutboxMessage.objects.filter(topic=erasure.SWEEP)
    assert [(message.payload, message.done_at is None) for message in messages] == [({}, False)] * 5


def test_what_cannot_be_reached_is_erased_when_it_can(acme: Tenant, valkey: redis.Redis, settings: Any) -> None:
    keep_exact(valkey, acme.org.pk, HERS)
    there, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    assert erase(acme.org.pk)["t1 answers"] is None
    sweep()
    assert OutboxMessage.objects.filter(topic=erasure.SWEEP, done_at=None).count() == 5
    settings.REDIS_URL = there
    sweep()
    assert exact_entries(valkey, acme.org.pk) == set()


def test_a_ledger_too_large_to_wait_for_is_left_to_the_background(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(acme.org.pk, "user-7")
    slow = "pg_sleep(0.2) IS NOT NULL"
    monkeypatch.setattr(ledger_erasure, "_PATIENCE_MS", 50)
    rows = LedgerEntry.objects.extra(where=[slow])
    monkeypatch.setattr(LedgerEntry.objects, "for_org", lambda org_id: rows.filter(org_id=org_id))
    assert erase(acme.org.pk)["ledger rows"] is None
    assert LedgerEntry.objects.get().end_user == "user-7"
    sweep()
    assert LedgerEntry.objects.get().end_user == ""


def test_the_command_says_what_went(acme: Tenant, valkey: redis.Redis) -> None:
    keep_exact(valkey, acme.org.pk, HERS)
    said = StringIO()
    call_command("erase_user", str(acme.org.pk), "user-7", stdout=said)
    assert "t1 answers: 1" in said.getvalue()
    assert "ledger rows: 0" in said.getvalue()
    with pytest.raises(CommandError, match="no organization"):
        call_command("erase_user", "00000000-0000-0000-0000-000000000000", "user-7")
    with pytest.raises(CommandError, match="name the end user"):
        call_command("erase_user", str(acme.org.pk), " ")


def respond(gateway: Served, tenant: Caller, user: str) -> str:
    body = {"model": "gpt-6-luna", "input": f"hello from {user}", "store": True}
    answer = gateway.http.post("/v1/responses", json=body, headers={**tenant.headers, "x-asahi-user": user})
    assert answer.status_code == 200, answer.text
    response_id: str = answer.json()["id"]
    return response_id


def test_stored_responses_of_a_user_are_erased_late_ones_too(gateway: Served, tenant: Caller) -> None:
    hers, late, his = (respond(gateway, tenant, user) for user in ("user-7", "user-7", "user-8"))
    StoredResponse.objects.filter(pk=late).update(created_at=timezone.now() + timedelta(minutes=1))
    assert erase(tenant.org_id)["stored responses"] == 2
    newer = respond(gateway, tenant, "user-7")
    OutboxMessage.objects.filter(topic=erasure.SWEEP).update(due_at=timezone.now())
    found = set(StoredResponse.objects.for_org(tenant.org_id).values_list("pk", flat=True))
    assert found == {his, newer}
    assert hers not in found


def test_an_idempotent_answer_is_erased_and_its_key_still_not_charged_twice(gateway: Served, tenant: Caller) -> None:
    def post(user: str) -> Any:
        headers = {**tenant.headers, "idempotency-key": f"order of {user}", "x-asahi-user": user}
        body = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": f"hello from {user}"}]}
        return gateway.http.post("/v1/chat/completions", json=body, headers=headers)

    for user in ("user-7", "user-8"):
        assert post(user).status_code == 200
    tenant.ledger(2)
    counts = erase(tenant.org_id)
    assert (counts["idempotent answers"], counts["ledger rows"]) == (1, 1)
    kept = IdempotentCall.objects.for_org(tenant.org_id).filter(body__isnull=False)
    assert kept.count() == 1
    again = post("user-7")
    assert again.status_code == 409
    assert "is not kept" in again.json()["error"]["message"]
    assert post("user-8").status_code == 200
    tenant.ledger(2)
