"""Puts answers into T1 and T2 as the gateway does, without a gateway."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import redis
from django.utils import timezone

from caching.domain import CachedAnswer, Filing
from caching.exact import FILL, EntryFormat, flight_of, index_of, key_of, marks_of
from caching.models import SemanticAnswer, SemanticVector

LATER = timedelta(seconds=5)


def answer(model: str = "gpt-6-luna", *, asked_at: datetime | None = None, body: bytes = b"{}") -> CachedAnswer:
    at = (asked_at or timezone.now() - LATER).timestamp()
    return CachedAnswer("chat", body, model, "openai", b"", at, "qa", 0.8, False)


def keep_exact(
    valkey: redis.Redis, org_id: object, filing: Filing, *, model: str = "gpt-6-luna", asked_at: datetime | None = None
) -> str:
    """The digest of a new T1 entry."""
    digest = hashlib.sha1(uuid4().bytes, usedforsecurity=False).hexdigest()
    key = key_of(str(org_id), digest)
    entry = EntryFormat(None).pack(str(org_id), key, answer(model, asked_at=asked_at), filing)
    valkey.eval(FILL.source.decode(), 3, key, index_of(str(org_id)), flight_of(key), entry, 60, digest, "req_none")
    return digest


def exact_entries(valkey: redis.Redis, org_id: object) -> set[str]:
    """The digests of the entries that are there, and that the index says are there."""
    prefix = key_of(str(org_id), "")
    keys = {key.decode().removeprefix(prefix) for key in valkey.scan_iter(f"{prefix}*")} - {"index"}
    indexed = {digest.decode() for digest in valkey.zrange(index_of(str(org_id)), 0, -1)}
    assert keys == indexed
    return keys


def keep_semantic(
    org_id: Any, filing: Filing, *, model: str = "gpt-6-luna", asked_at: datetime | None = None, **how: Any
) -> str:
    """The name of a new T2 entry."""
    given = answer(model, asked_at=asked_at)
    row = {
        "name": uuid4(),
        "question": b"a question",
        "entry": EntryFormat(None).pack(str(org_id), "t2", given, filing),
        "task": "qa",
        "model": model,
        "key_id": filing.key_id,
        "marks": list(marks_of(str(org_id), filing)),
        "document": filing.document,
        "stored_at": datetime.fromtimestamp(given.stored_at, UTC),
        "expires_at": timezone.now() + timedelta(hours=1),
    }
    kept = SemanticAnswer.objects.create(org_id=org_id, **(row | how))
    SemanticVector.objects.create(answer=kept, org_id=org_id, scope=b"s" * 16, dimensions=3, vector=[1.0, 0.0, 0.0])
    return str(kept.pk)


def semantic_entries(org_id: Any) -> set[str]:
    answers = {str(pk) for pk in SemanticAnswer.objects.for_org(org_id).values_list("pk", flat=True)}
    vectors = {str(pk) for pk in SemanticVector.objects.for_org(org_id).values_list("pk", flat=True)}
    assert answers == vectors
    return answers
