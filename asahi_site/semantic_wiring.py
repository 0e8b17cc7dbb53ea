"""Composes T2: its embedder, its store, what it learned, and the tasks that run beside the requests."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from asahi_site.embedder_wiring import make_sources
from asahi_site.memory import return_what_is_free
from asahi_site.provider_wiring import Outward
from caching.calibrations import Calibrations
from caching.domain import Embedder, EmbeddingError
from caching.exact import EntryFormat
from caching.postgres_store import PostgresStore
from governance.encryption import Keyring
from governance.principals import Pool
from inference.domain import Tier, Wire
from inference.pricing import PriceBook
from inference.registry import Registry
from inference.semantic.embedding import Sources
from inference.semantic.learning import Lessons
from inference.semantic.stage import SemanticCache
from inference.semantic.verifier import Verifier
from inference.workflow.documents import find_question, find_question_about_document

if TYPE_CHECKING:
    from caching.pinecone_store import PineconeStore

log = logging.getLogger(__name__)

_POSTGRES_PATIENCE_MS, _PINECONE_PATIENCE_MS = 50, 250


@dataclass(frozen=True, slots=True)
class Semantic:
    """T2 of one process. `documents` is the part of T3 that answers by meaning."""

    cache: SemanticCache
    documents: SemanticCache
    lessons: Lessons
    calibrations: Calibrations
    sources: Sources
    store: PostgresStore | PineconeStore

    @property
    def embedder(self) -> Embedder:
        """The one in this process."""
        return self.sources.local.embedder

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the process serves: learns, shares what it learned, and has its models ready before the first request
        needs them."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.calibrations.flush)
            stack.push_async_callback(self.sources.aclose)
            if not isinstance(self.store, PostgresStore):
                stack.push_async_callback(self.store.aclose)
            for work in (self.lessons.run(), self.calibrations.share(), self._warm_up()):
                stack.push_async_callback(_stop, asyncio.create_task(work))
            yield

    async def _warm_up(self) -> None:
        try:
            await self.embedder.embed(["a first question"])
            return_what_is_free()
        except EmbeddingError as error:
            log.error("t2.no_embedder", extra={"reason": str(error)[:300]})


def make_semantic(
    pool: Pool, keys: Keyring | None, outward: Outward, registry: Registry, prices: PriceBook
) -> Semantic:
    """As this deployment is configured. Raises ImproperlyConfigured."""
    config = settings.ASAHI.cache
    sources = make_sources(registry, prices, outward.targets)
    store = _make_store(pool, keys)
    calibrations = Calibrations(pool)
    lessons = Lessons(store, sources.local.embedder, calibrations, ttl_seconds=config.semantic_ttl_seconds)
    verifier = _make_verifier(outward, registry, prices)
    cache, documents = (
        SemanticCache(store, sources, calibrations, lessons, tier=tier, find=find, verifier=verifier)
        for tier, find in ((Tier.T2, find_question), (Tier.T3, find_question_about_document))
    )
    return Semantic(cache, documents, lessons, calibrations, sources, store)


def _make_store(pool: Pool, keys: Keyring | None) -> PostgresStore | PineconeStore:
    config = settings.ASAHI.cache
    postgres = PostgresStore(
        pool, EntryFormat(keys), keys, patience=(config.store_timeout_ms or _POSTGRES_PATIENCE_MS) / 1000
    )
    if config.store == "postgres":
        return postgres
    from caching.pinecone import Pinecone
    from caching.pinecone_store import PineconeStore

    key, index = (os.environ.get(name, "").strip() for name in ("PINECONE_API_KEY", "PINECONE_INDEX"))
    if not key or not index:
        raise ImproperlyConfigured("ASAHI_CACHE_STORE is pinecone: set PINECONE_API_KEY and PINECONE_INDEX")
    patience = (config.store_timeout_ms or _PINECONE_PATIENCE_MS) / 1000
    return PineconeStore(Pinecone(key=key, index=index, patience=patience), postgres)


def _make_verifier(outward: Outward, registry: Registry, prices: PriceBook) -> Verifier | None:
    config = settings.ASAHI.cache
    if not config.verifier_model:
        return None
    model = registry.find(config.verifier_model)
    if model is None or model.wire is Wire.EMBEDDINGS:
        raise ImproperlyConfigured(f"ASAHI_CACHE_VERIFIER_MODEL: {config.verifier_model!r} is not a registered model")
    return Verifier(
        model,
        upstream=outward.relay,
        targets=outward.targets,
        breakers=outward.breakers,
        prices=prices,
        patience=config.verifier_timeout_ms / 1000,
    )


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
