"""The documents of native calls: sent with a question, or kept under an id of the caller's from an earlier call."""

from __future__ import annotations

import asyncio
import logging

import psycopg

from caching.domain import Filing
from caching.workflow.documents import Document, DocumentStore, document_of
from inference.domain import Refusal, RefusalKind

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 1.5
"""How long an answer may wait for its document being kept."""


class Documents:
    """The documents that callers name."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        self._late: set[asyncio.Task[bool]] = set()

    async def resolve(self, org_id: str, name: str, text: str | None, filing: Filing) -> Document | Refusal | None:
        """The document of a call: `text` as it was sent, which is kept under `name` if there is one, or what is kept
        under it. None when the call has neither."""
        if text:
            document = document_of(text)
            if name and not await self._keep(org_id, name, document, filing):
                return _refusal("there is no room for more documents: purge some, or send no document_id")
            return document
        if not name:
            return None
        found = await self._store.find(org_id, name)
        return found or _refusal(f"no document is kept under {name!r}: send it once, as 'document' beside its id")

    async def _keep(self, org_id: str, name: str, document: Document, filing: Filing) -> bool:
        """Whether there is room. That the document cannot be kept now takes nobody's answer away."""
        keeping = asyncio.create_task(self._store.keep(org_id, name, document, filing))
        self._late.add(keeping)
        keeping.add_done_callback(self._late.discard)
        await asyncio.wait((keeping,), timeout=_PATIENCE_SECONDS)
        error = keeping.exception() if keeping.done() else TimeoutError()
        if error is None:
            return keeping.result()
        if not isinstance(error, psycopg.Error | OSError):
            raise error
        log.error("document.not_kept", extra={"error": type(error).__name__, "reason": str(error)[:200]})
        return True


def _refusal(message: str) -> Refusal:
    return Refusal(RefusalKind.INVALID, message, details={"param": "document_id"})
