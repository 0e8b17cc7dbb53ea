"""Composes T3: the documents that callers name, the marks for providers' caches, and the ways to read a document."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from asahi_site.semantic_wiring import Semantic
from caching.workflow.documents import DocumentStore
from caching.workflow.prefixes import RedisPrefixes
from caching.workflow.sealing import TextSeal
from caching.workflow.steps import StepStore
from governance.domain import Principal
from governance.encryption import keyring
from governance.principals import Pool
from governance.redis_pipe import RedisPipe
from inference.domain import Call, Plan
from inference.pricing import PriceBook
from inference.routing import Router
from inference.workflow.naming import Documents
from inference.workflow.passages import Selector
from inference.workflow.reading import Reader
from inference.workflow.stage import WorkflowCache
from inference.workflow.steps import NoteTaker, Pick


@dataclass(frozen=True, slots=True)
class Workflow:
    """T3 of one process. `notes` is to be connected to the pipeline that `cache` is a stage of."""

    cache: WorkflowCache
    notes: NoteTaker


def make_workflow(
    pool: Pool, pipe: RedisPipe, prices: PriceBook, router: Router, semantic: Semantic | None
) -> Workflow:
    """As this deployment is configured."""
    steps = StepStore(pool, _make_seal())
    notes = NoteTaker(steps, _picking(router), ttl_seconds=settings.ASAHI.cache.step_ttl_seconds)
    reader = Reader(notes, Selector(None if semantic is None else semantic.embedder))
    answers = None if semantic is None else semantic.documents
    return Workflow(WorkflowCache(RedisPrefixes(pipe), prices, answers, reader=reader), notes)


def make_documents(pool: Pool) -> Documents:
    """As this deployment is configured."""
    config = settings.ASAHI.cache
    store = DocumentStore(pool, _make_seal(), days=config.document_days, quota=config.document_quota_bytes)
    return Documents(store)


def _picking(router: Router) -> Pick:
    def pick(principal: Principal, call: Call) -> str | None:
        task = "Extract the facts from this text."
        plan = router.plan(call, task_text=task, policy=principal.policy, accounts=principal.accounts)
        return plan.model.id if isinstance(plan, Plan) else None

    return pick


def _make_seal() -> TextSeal:
    return TextSeal(keyring() if settings.ENCRYPTION_KEY else None)
