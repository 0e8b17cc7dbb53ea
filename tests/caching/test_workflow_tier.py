"""Documents and steps are forgotten by whose they are, by what they are about, and when their time is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from caching.domain import Filing
from caching.exact import marks_of
from caching.purging import Kind, Selection, tiers
from caching.workflow.models import WorkflowDocument, WorkflowStep
from caching.workflow.purging import WorkflowTier
from tests.cast import Tenant

WANTED = Filing("key-1", ("nightly",), "user-7", document_id="minutes")
OTHER = Filing("key-2", ("daily",), "user-8", document_id="budget")


def keep(tenant: Tenant, filing: Filing, *, model: str = "gpt-6-luna", **facts: Any) -> None:
    """One document and one step of it."""
    now = timezone.now()
    shared = {
        "org": tenant.org, "sealed": b"\0text", "key_id": filing.key_id,
        "marks": list(marks_of(str(tenant.org.pk), filing)),
        "stored_at": now - timedelta(seconds=5), "expires_at": now + timedelta(days=1),
    } | facts  # fmt: skip
    WorkflowDocument.objects.create(name=filing.document_id, digest=b"d", size=4, **shared)
    WorkflowStep.objects.create(key=uuid4().bytes, step="extract", model=model, **shared)


def kept(tenant: Tenant) -> tuple[int, int]:
    tables = WorkflowDocument, WorkflowStep
    documents, steps = (table.objects.for_org(tenant.org.pk).count() for table in tables)
    return documents, steps


def purge(tenant: Tenant, kind: Kind, name: str = "") -> int:
    return WorkflowTier().purge(str(tenant.org.pk), Selection(kind, name, timezone.now()))


@pytest.mark.parametrize(
    ("kind", "name", "left"),
    [
        (Kind.KEY, "key-1", (1, 1)),
        (Kind.TAG, "nightly", (1, 1)),
        (Kind.USER, "user-7", (1, 1)),
        (Kind.DOCUMENT, "minutes", (1, 1)),
        (Kind.MODEL, "gpt-6-luna", (2, 1)),
        (Kind.EVERYTHING, "", (0, 0)),
        (Kind.ENTRY, "nothing of ours", (2, 2)),
    ],
)
def test_a_purge_forgets_what_fits_and_nothing_else(
    acme: Tenant, rival: Tenant, kind: Kind, name: str, left: tuple[int, int]
) -> None:
    keep(acme, WANTED)
    keep(acme, OTHER, model="claude-haiku-5-5")
    keep(rival, WANTED)
    assert purge(acme, kind, name) == 4 - sum(left)
    assert kept(acme) == left
    assert kept(rival) == (1, 1)


def test_what_came_after_the_purge_was_asked_for_stays(acme: Tenant) -> None:
    keep(acme, WANTED, stored_at=timezone.now() + timedelta(seconds=5))
    assert purge(acme, Kind.USER, "user-7") == 0


def test_what_is_kept_is_counted_until_its_time_is_over_and_deleted_then(acme: Tenant) -> None:
    keep(acme, WANTED)
    keep(acme, OTHER, expires_at=timezone.now() - timedelta(seconds=1))
    holdings = WorkflowTier().holdings(str(acme.org.pk))
    assert (holdings.entries, holdings.size) == (2, 10)
    assert WorkflowTier().clear_expired() == 2
    assert kept(acme) == (1, 1)


def test_it_is_part_of_every_purge() -> None:
    assert "t3" in [tier.name for tier in tiers()]
