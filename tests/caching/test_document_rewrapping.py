"""Kept documents stay readable when the encryption key changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from caching.workflow.documents import document_of, place_of
from caching.workflow.models import WorkflowDocument
from caching.workflow.rewrapping import rewrap
from caching.workflow.sealing import TextSeal
from governance.encryption import Keyring
from tests.cast import Tenant

OLD, NEW = "0" * 64, "1" * 64
TEXT = "The committee met. \ud83d It decided."


def kept(acme: Tenant, seal: TextSeal) -> WorkflowDocument:
    now, org_id = timezone.now(), str(acme.org.pk)
    return WorkflowDocument.objects.create(
        org=acme.org, name="minutes", digest=document_of(TEXT).digest, size=len(TEXT),
        sealed=seal.seal(TEXT, org_id, place_of("minutes")), stored_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip


def opened(row: WorkflowDocument, ring: str) -> str | None:
    row.refresh_from_db()
    return TextSeal(Keyring.parse(ring)).open(bytes(row.sealed), str(row.org_id), place_of(row.name))


def test_a_document_is_sealed_again_with_the_current_key(acme: Tenant, settings: Any) -> None:
    row = kept(acme, TextSeal(Keyring.parse(OLD)))
    settings.ENCRYPTION_KEY = f"{NEW},{OLD}"
    assert [(result.done, result.unreadable) for result in rewrap(10)] == [(1, 0)]
    assert opened(row, NEW) == TEXT
    assert opened(row, OLD) is None
    assert [(result.done, result.unreadable) for result in rewrap(10)] == [(0, 0)]


def test_one_whose_key_has_gone_is_counted(acme: Tenant, settings: Any) -> None:
    kept(acme, TextSeal(Keyring.parse(OLD)))
    settings.ENCRYPTION_KEY = NEW
    assert [(result.done, result.unreadable) for result in rewrap(10)] == [(0, 1)]


@pytest.mark.parametrize("place", ["another", place_of("other")])
def test_a_sealed_text_opens_nowhere_else(place: str) -> None:
    seal = TextSeal(Keyring.parse(OLD))
    sealed = seal.seal(TEXT, "org", place_of("minutes"))
    assert seal.open(sealed, "org", place_of("minutes")) == TEXT
    assert seal.open(sealed, "org", place) is None
    assert seal.open(sealed, "other org", place_of("minutes")) is None


def test_what_is_not_sealed_is_not_believed_where_a_key_is_set() -> None:
    plain = TextSeal(None).seal(TEXT, "org", "place")
    assert TextSeal(None).open(plain, "org", "place") == TEXT
    assert TextSeal(Keyring.parse(OLD)).open(plain, "org", "place") is None
