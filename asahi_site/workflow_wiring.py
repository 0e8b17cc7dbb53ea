"""Composes T3: the documents that callers name, and what is worked out of them."""

from __future__ import annotations

from django.conf import settings

from caching.workflow.documents import DocumentStore
from caching.workflow.sealing import TextSeal
from governance.encryption import keyring
from governance.principals import Pool
from inference.workflow.naming import Documents


def make_documents(pool: Pool) -> Documents:
    """As this deployment is configured."""
    config = settings.ASAHI.cache
    store = DocumentStore(pool, _make_seal(), days=config.document_days, quota=config.document_quota_bytes)
    return Documents(store)


def _make_seal() -> TextSeal:
    return TextSeal(keyring() if settings.ENCRYPTION_KEY else None)
