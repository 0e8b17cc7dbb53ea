"""Composes T2: its embedder, its store, what it learned, and the tasks that run beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from django.conf import settings

from asahi_site.memory import return_what_is_free
from caching.calibrations import Calibrations
from caching.domain import Embedder, EmbeddingError
from caching.exact import EntryFormat
from caching.postgres_store import PostgresStore
from governance.encryption import Keyring
from governance.principals import Pool
from inference.domain import Tier
from inference.semantic.learning import Lessons
from inference.semantic.stage import Patience, SemanticCache
from inference.workflow.documents import find_question, find_question_about_document

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Semantic:
    """T2 of one process. `documents` is the part of T3 that answers by meaning."""

    cache: SemanticCache
    documents: SemanticCache
    lessons: Lessons
    calibrations: Calibrations
    embedder: Embedder

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the process serves: learns, shares what it learned, and has its models ready before the first request
        needs them."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.calibrations.flush)
            for work in (self.lessons.run(), self.calibrations.share(), self._warm_up()):
                stack.push_async_callback(_stop, asyncio.create_task(work))
            yield

    async def _warm_up(self) -> None:
        try:
            await self.embedder.embed(["a first question"])
            return_what_is_free()
        except EmbeddingError as error:
            log.error("t2.no_embedder", extra={"reason": str(error)[:300]})


def make_semantic(pool: Pool, keys: Keyring | None) -> Semantic:
    """As this deployment is configured."""
    config = settings.ASAHI.cache
    embedder = _make_embedder()
    store = PostgresStore(pool, EntryFormat(keys), keys, patience=config.store_timeout_ms / 1000)
    calibrations = Calibrations(pool)
    lessons = Lessons(store, embedder, calibrations, ttl_seconds=config.semantic_ttl_seconds)
    patience = Patience(embedding=config.embedding_timeout_ms / 1000)
    cache, documents = (
        SemanticCache(store, embedder, calibrations, lessons, patience, tier=tier, find=find)
        for tier, find in ((Tier.T2, find_question), (Tier.T3, find_question_about_document))
    )
    return Semantic(cache, documents, lessons, calibrations, embedder)


def _make_embedder() -> Embedder:
    from caching.embeddings.local import LocalEmbedder  # loads numpy and a network: only where T2 is wanted

    return LocalEmbedder()


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
