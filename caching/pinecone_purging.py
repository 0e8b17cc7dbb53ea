"""How vectors in Pinecone are forgotten: promised with the rows in Postgres, which are what makes them served, and done
as soon as Pinecone can be reached.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from django.conf import settings

from caching.pinecone import MOST_IDS, forget_now
from governance import outbox

FORGET = "caching.pinecone_forget"


def promise_forgetting(org_id: str, entries: Sequence[object]) -> None:
    """As part of the current transaction; nothing where Pinecone is not in use."""
    if settings.ASAHI.cache.store != "pinecone" or not entries:
        return
    for page in _pages([str(entry) for entry in entries]):
        outbox.enqueue(topic=FORGET, payload={"org_id": org_id, "entries": page})


@outbox.handler(FORGET)
def forget(payload: outbox.Payload) -> None:
    """Done again, it does nothing. Raises StoreError, and is tried again later."""
    forget_now(
        key=os.environ["PINECONE_API_KEY"].strip(),
        index=os.environ["PINECONE_INDEX"].strip(),
        namespace=payload["org_id"],
        entries=payload["entries"],
    )


def _pages(entries: Sequence[str]) -> Iterable[list[str]]:
    return (list(entries[start : start + MOST_IDS]) for start in range(0, len(entries), MOST_IDS))
