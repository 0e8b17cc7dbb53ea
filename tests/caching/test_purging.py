"""A purge forgets what fits, in every tier, of one organization only; late comers too; and nothing asked after it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from asahi_site.celery import app
from caching import exact_purging, purging, semantic_purging
from caching.domain import Filing
from caching.exact import index_of, key_of
from caching.models import SemanticAnswer
from caching.purging import Kind, PurgeRefused, purge
from governance import outbox
from governance.models import OutboxMessage, Policy
from tests.caching.keeping import exact_entries, keep_exact, keep_semantic, semantic_entries
from tests.cast import Tenant

WANTED = Filing("key-1", ("nightly", "eu"), "user-7", b"\x01" * 16)
OTHER = Filing("key-2", ("daily",), "user-8", b"\x02" * 16)

BY = [
    (Kind.KEY, "key-1"),
    (Kind.MODEL, "gpt-6-luna"),
    (Kind.TAG, "nightly"),
    (Kind.TAG, "eu"),
    (Kind.USER, "user-7"),
]


def sweep(kind: Kind) -> int:
    """Everything that was promised for later comes now."""
    OutboxMessage.objects.filter(topic=purging.SWEEP, payload__kind=kind.value).update(due_at=timezone.now())
    return outbox.drain()


@pytest.mark.parametrize(("kind", "name"), BY)
def test_what_fits_goes_from_every_tier_and_nothing_else_does(
    acme: Tenant, rival: Tenant, valkey: redis.Redis, kind: Kind, name: str
) -> None:
    for tenant in (acme, rival):
        keep_exact(valkey, tenant.org.pk, WANTED)
        keep_semantic(tenant.org.pk, WANTED)
    exact = keep_exact(valkey, acme.org.pk, OTHER, model="gpt-6.1-sol")
    semantic = keep_semantic(acme.org.pk, OTHER, model="gpt-6.1-sol")

    purged = purge(org_id=acme.org.pk, kind=kind, name=name)

    assert not isinstance(purged, PurgeRefused)
    assert {**purged.counts, "t3": 0} == {"t1": 1, "t2": 1, "t3": 0}
    assert exact_entries(valkey, acme.org.pk) == {exact}
    assert semantic_entries(acme.org.pk) == {semantic}
    assert len(exact_entries(valkey, rival.org.pk)) == len(semantic_entries(rival.org.pk)) == 1


def test_a_document_is_purged_by_its_digest(acme: Tenant) -> None:
    keep_semantic(acme.org.pk, WANTED)
    other = keep_semantic(acme.org.pk, OTHER)
    purge(org_id=acme.org.pk, kind=Kind.DOCUMENT, name=WANTED.document.hex())
    assert semantic_entries(acme.org.pk) == {other}


def test_a_single_entry_is_purged_by_its_name_and_never_another_organization_s(
    acme: Tenant, rival: Tenant, valkey: redis.Redis
) -> None:
    exact, semantic = keep_exact(valkey, acme.org.pk, WANTED), keep_semantic(acme.org.pk, WANTED)
    keep_exact(valkey, acme.org.pk, WANTED)
    for name in (exact, semantic):
        purge(org_id=rival.org.pk, kind=Kind.ENTRY, name=name)
    assert (len(exact_entries(valkey, acme.org.pk)), len(semantic_entries(acme.org.pk))) == (2, 1)
    for name in (exact, semantic, "neither"):
        purge(org_id=acme.org.pk, kind=Kind.ENTRY, name=name)
    assert exact not in exact_entries(valkey, acme.org.pk)
    assert semantic_entries(acme.org.pk) == set()


def test_what_a_call_under_way_brings_later_goes_too(acme: Tenant, valkey: redis.Redis) -> None:
    begun = timezone.now()
    purge(org_id=acme.org.pk, kind=Kind.USER, name="user-7")
    keep_exact(valkey, acme.org.pk, WANTED, asked_at=begun)
    keep_semantic(acme.org.pk, WANTED, asked_at=begun)
    assert sweep(Kind.USER) == 5
    assert exact_entries(valkey, acme.org.pk) == semantic_entries(acme.org.pk) == set()


def test_what_was_asked_after_a_purge_outlives_its_last_sweep(acme: Tenant, valkey: redis.Redis) -> None:
    purge(org_id=acme.org.pk, kind=Kind.USER, name="user-7")
    since = timezone.now() + timedelta(seconds=2)
    exact = keep_exact(valkey, acme.org.pk, WANTED, asked_at=since)
    semantic = keep_semantic(acme.org.pk, WANTED, asked_at=since)
    sweep(Kind.USER)
    assert exact_entries(valkey, acme.org.pk) == {exact}
    assert semantic_entries(acme.org.pk) == {semantic}


def test_the_last_sweep_comes_after_the_longest_call_and_the_longest_batch(acme: Tenant, settings: Any) -> None:
    purge(org_id=acme.org.pk, kind=Kind.USER, name="user-7")
    due = sorted(message.due_at - timezone.now() for message in OutboxMessage.objects.filter(topic=purging.SWEEP))
    longest_call = timedelta(seconds=settings.ASAHI.providers.answer_timeout_seconds)
    assert due[0] < timedelta(minutes=1)
    assert longest_call < due[-2] < longest_call + timedelta(minutes=10)
    assert due[-1] > timedelta(hours=24)


def test_everything_is_forgotten_by_a_new_epoch_which_every_process_is_told(acme: Tenant, valkey: redis.Redis) -> None:
    keep_exact(valkey, acme.org.pk, WANTED)
    keep_semantic(acme.org.pk, OTHER)
    before = Policy.objects.get(org=acme.org).cache_epoch
    purge(org_id=acme.org.pk, kind=Kind.EVERYTHING)
    purge(org_id=acme.org.pk, kind=Kind.EVERYTHING)
    assert Policy.objects.get(org=acme.org).cache_epoch == before + 2
    assert exact_entries(valkey, acme.org.pk) == semantic_entries(acme.org.pk) == set()


def test_a_tier_that_is_away_is_purged_when_it_is_back_and_holds_up_no_other(
    acme: Tenant, valkey: redis.Redis, settings: Any
) -> None:
    keep_exact(valkey, acme.org.pk, WANTED)
    keep_semantic(acme.org.pk, WANTED)
    there, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    purged = purge(org_id=acme.org.pk, kind=Kind.TAG, name="eu")
    assert not isinstance(purged, PurgeRefused)
    assert (purged.counts["t1"], purged.counts["t2"], purged.complete) == (None, 1, False)
    assert purging.holdings(acme.org.pk)["t1"] is None
    sweep(Kind.TAG)
    assert OutboxMessage.objects.filter(topic=purging.SWEEP, done_at=None).count() == 5
    settings.REDIS_URL = there
    sweep(Kind.TAG)
    assert exact_entries(valkey, acme.org.pk) == set()
    assert not OutboxMessage.objects.filter(topic=purging.SWEEP, done_at=None).exists()


def test_many_entries_go_in_batches_that_stay_small(
    acme: Tenant, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact_purging, "_AT_A_TIME", 10)
    monkeypatch.setattr(semantic_purging, "_AT_A_TIME", 10)
    for _ in range(300):
        keep_exact(valkey, acme.org.pk, WANTED)
    for _ in range(35):
        keep_semantic(acme.org.pk, WANTED)
    kept = keep_exact(valkey, acme.org.pk, OTHER)
    purged = purge(org_id=acme.org.pk, kind=Kind.KEY, name="key-1")
    assert not isinstance(purged, PurgeRefused)
    assert (purged.counts["t1"], purged.counts["t2"]) == (300, 35)
    assert exact_entries(valkey, acme.org.pk) == {kept}


def test_an_entry_with_very_many_tags_is_found_by_its_last(acme: Tenant, valkey: redis.Redis) -> None:
    keep_exact(valkey, acme.org.pk, Filing("key-1", tuple(f"tag {number}" for number in range(400))))
    purge(org_id=acme.org.pk, kind=Kind.TAG, name="tag 399")
    assert exact_entries(valkey, acme.org.pk) == set()


def test_what_nobody_can_read_goes_with_any_purge_and_the_index_forgets_what_has_gone(
    acme: Tenant, valkey: redis.Redis
) -> None:
    org_id = str(acme.org.pk)
    valkey.set(key_of(org_id, "a" * 40), b"of another version")
    valkey.zadd(index_of(org_id), {"a" * 40: 2e9, "b" * 40: 2e9})
    purged = purge(org_id=org_id, kind=Kind.MODEL, name="gpt-6-luna")
    assert not isinstance(purged, PurgeRefused)
    assert purged.counts["t1"] == 1
    assert exact_entries(valkey, org_id) == set()


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Kind.USER, ""), (Kind.TAG, "  "), (Kind.KEY, "x" * 301), (Kind.MODEL, "\0"), (Kind.EVERYTHING, "x")],
)
def test_a_purge_that_does_not_say_what_is_refused(acme: Tenant, kind: Kind, name: str) -> None:
    assert isinstance(purge(org_id=acme.org.pk, kind=kind, name=name), PurgeRefused)
    assert not OutboxMessage.objects.filter(topic=purging.SWEEP).exists()


def test_what_is_kept_is_counted_and_only_what_could_be_served(
    acme: Tenant, rival: Tenant, valkey: redis.Redis
) -> None:
    keep_exact(valkey, acme.org.pk, WANTED)
    keep_exact(valkey, rival.org.pk, WANTED)
    keep_semantic(acme.org.pk, WANTED)
    keep_semantic(acme.org.pk, WANTED, expires_at=timezone.now() - timedelta(seconds=1))
    kept = purging.holdings(acme.org.pk)
    assert kept["t1"] is not None
    assert kept["t2"] is not None
    assert (kept["t1"].entries, kept["t2"].entries) == (1, 1)
    assert (kept["t1"].size or 0) > 40
    assert (kept["t2"].size or 0) > 40


def test_what_has_run_out_is_deleted_in_batches_and_nothing_else_is(
    acme: Tenant, rival: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semantic_purging, "_AT_A_TIME", 3)
    past = timezone.now() - timedelta(seconds=1)
    for tenant in (acme, rival):
        for _ in range(5):
            keep_semantic(tenant.org.pk, WANTED, expires_at=past)
    kept = keep_semantic(acme.org.pk, WANTED)
    app.loader.import_default_modules()
    task = app.tasks[settings.CELERY_BEAT_SCHEDULE["clear-caches"]["task"]]
    assert task() == 10
    assert semantic_entries(acme.org.pk) == {kept}
    assert not SemanticAnswer.objects.for_org(rival.org.pk).exists()
