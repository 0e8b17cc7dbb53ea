"""Deciding about lines: answered from T1, refused, handed over to a provider's batches, or called one by one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from analytics import ids
from caching.domain import CachedAnswer
from governance.redis_pipe import RedisAway
from inference.batches.fates import OUR_FAULT, guarded
from inference.batches.job import Job, as_many_as_fit
from inference.batches.outcomes import Outcome, completed, refused, request_id_of, settle, unauthenticated
from inference.batches.plans import keep
from inference.batches.upstreams import most_bytes, service_target
from inference.bills import BATCH
from inference.calling import stored_objects_of
from inference.crossing import crossing_for
from inference.domain import Model, Order, Plan, Refusal, RefusalKind, Tier, Wire
from inference.models.batches import Batch, BatchItem, ProviderBatch
from inference.worker import in_thread

log = logging.getLogger(__name__)

_PAGE = 200
_AT_ONCE = 16
_NOT_ASKED = dict.fromkeys(("t2", "t3", "optimization", "enrichment"), "not asked for a line of a provider's batch")
State = BatchItem.State

PASSING = frozenset(
    {RefusalKind.NO_MODEL, RefusalKind.PROVIDER_FAILED, RefusalKind.UNAVAILABLE, RefusalKind.CANCELLED}
    | {RefusalKind.INTERNAL}
)
"""Refusals that another try may not meet."""


@dataclass(frozen=True, slots=True)
class CallOneByOne:
    """Its provider has no batches."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """It goes into a batch of the provider. Its worst case is reserved."""

    order: Order
    plan: Plan
    wire: Wire
    own_account: bool


Decision = Outcome | CallOneByOne | HandOver


async def plan_lines(job: Job) -> None:
    """Decide about lines that nothing was decided about yet, while there is time."""
    while job.has_time and not job.is_ending:
        items = await in_thread(_next_page)(job.batch)
        if not items:
            return
        if job.key_problem is not None:
            await _refuse_all(job, items)
            continue
        resumed = [request_id_of(item) for item in items if item.request_id is not None]
        await job.shop.gatekeeper.forget(job.org_id, resumed)
        await in_thread(name_requests)(items)
        raws = await job.read(items)
        turns = asyncio.Semaphore(_AT_ONCE)

        async def decide(item: BatchItem, raw: bytes, turns: asyncio.Semaphore = turns) -> Decision:
            async with turns:
                decision = await guarded(_decide(job, item, raw), item)
                return decision or refused(item, OUR_FAULT, job.wire)

        decisions = await asyncio.gather(*(decide(item, raw) for item, raw in zip(items, raws, strict=True)))
        await in_thread(_apply)(job, items, decisions)
        await _keep_reserved(job, decisions)
        await job.refresh()


async def _refuse_all(job: Job, items: Sequence[BatchItem]) -> None:
    """Their key lets nobody in any more: they get what a live call with it gets."""
    outcomes = [unauthenticated(item, str(job.key_problem), job.wire) for item in items]
    await in_thread(settle)(job.batch, outcomes)


def name_requests(items: Sequence[BatchItem]) -> None:
    """Give each its request id, durably, before anything is done under it."""
    unnamed = [item for item in items if item.request_id is None]
    for item in unnamed:
        item.request_id = ids.to_uuid(ids.new_request_id())
    BatchItem.objects.bulk_update(unnamed, ["request_id"])


def _next_page(batch: Batch) -> list[BatchItem]:
    waiting = BatchItem.objects.for_org(batch.org_id).filter(batch=batch, state=State.WAITING, live_only=False)
    return as_many_as_fit(waiting.order_by("line")[:_PAGE])


async def _decide(job: Job, item: BatchItem, raw: bytes) -> Decision:
    call = job.call_of(item, raw)
    if isinstance(call, Refusal):
        return refused(item, call, job.wire)
    stages = job.shop.stages
    order = stages.quote(job.principal, call, stages.unconfigured())
    plan = order if isinstance(order, Refusal) else stages.route(order)
    if isinstance(order, Refusal) or isinstance(plan, Refusal):
        refusal = order if isinstance(order, Refusal) else plan
        assert isinstance(refusal, Refusal)
        return CallOneByOne() if refusal.kind in PASSING else refused(item, refusal, job.wire)
    crossing = crossing_for(call, plan.model)
    if isinstance(crossing, Refusal):
        return refused(item, crossing, job.wire)
    target = service_target(job.shop.gateway, plan.model, crossing.upstream_wire, job.principal.accounts)
    if target is None or (not target.account and stored_objects_of(order) is not None):
        return CallOneByOne()  # which refuses by name what another's account must not be told
    hand_over = HandOver(order, plan, crossing.upstream_wire, own_account=bool(target.account))
    return await _admit(job, item, hand_over)


async def _admit(job: Job, item: BatchItem, hand_over: HandOver) -> Decision:
    order = hand_over.order
    verdict = await job.shop.stages.governance.admit_for_later(order)
    if isinstance(verdict, CachedAnswer):
        spared = replace(order, call=replace(order.call, service=BATCH))
        await job.shop.stages.record_hit(spared, verdict, Tier.T1, "exact repeat: answered from T1")
        return completed(item, verdict.body, None)
    if isinstance(verdict, Refusal):
        return refused(item, verdict, job.wire)
    return hand_over


def _apply(job: Job, items: Sequence[BatchItem], decisions: Sequence[Decision]) -> None:
    decided = list(zip(items, decisions, strict=True))
    single = [item.pk for item, decision in decided if isinstance(decision, CallOneByOne)]
    handed: dict[tuple[str, Wire], list[tuple[BatchItem, HandOver]]] = {}
    for item, decision in decided:
        if isinstance(decision, HandOver):
            handed.setdefault((decision.plan.model.id, decision.wire), []).append((item, decision))
    with transaction.atomic():
        settle(job.batch, [decision for decision in decisions if isinstance(decision, Outcome)])
        BatchItem.objects.for_org(job.org_id).filter(pk__in=single).update(live_only=True)
        for group in handed.values():
            _attach(job, group)


def _attach(job: Job, group: Sequence[tuple[BatchItem, HandOver]]) -> None:
    """The durable record of it: from here on these lines are on their way to the provider."""
    model, wire = group[0][1].plan.model, group[0][1].wire
    room = most_bytes(job.shop.gateway, model.provider)
    target, size = _open_provider_batch(job, model, wire)
    for item, decision in group:
        if target is None or (size and size + item.length > room):
            target, size = _new_provider_batch(job, model, wire), 0
        size += item.length
        target.lines += 1
        item.state, item.provider_batch = State.SUBMITTED, target
        item.plan, item.held_nano = _kept(decision), _held(decision)
    ProviderBatch.objects.bulk_update({item.provider_batch for item, _ in group if item.provider_batch}, ["lines"])
    BatchItem.objects.bulk_update([item for item, _ in group], ["state", "provider_batch", "plan", "held_nano"])


def _open_provider_batch(job: Job, model: Model, wire: Wire) -> tuple[ProviderBatch | None, int]:
    """The latest that was not tried to be handed over yet, and how much is in it."""
    intended = ProviderBatch.objects.for_org(job.org_id).filter(batch=job.batch, state=ProviderBatch.State.INTENDED)
    found = intended.filter(model=model.id, wire=wire, attempts=0).order_by("pk").last()
    if found is None:
        return None, 0
    return found, found.items.aggregate(size=Sum("length"))["size"] or 0


def _new_provider_batch(job: Job, model: Model, wire: Wire) -> ProviderBatch:
    return ProviderBatch.objects.create(
        batch=job.batch, org_id=job.org_id, provider=model.provider, model=model.id, wire=wire, lines=0
    )


def _kept(decision: HandOver) -> dict[str, Any]:
    notes = {**_NOT_ASKED, **decision.order.notes, "batching": "handed over to the provider's batches"}
    return keep(replace(decision.order, notes=notes), decision.plan, own_account=decision.own_account)


def _held(decision: HandOver) -> int:
    return decision.order.reserve_nano if decision.order.principal.policy.has_budget else 0


async def _keep_reserved(job: Job, decisions: Sequence[Decision]) -> None:
    held = {each.order.call.request_id: _held(each) for each in decisions if isinstance(each, HandOver)}
    try:
        await job.shop.gatekeeper.hand_over(job.org_id, held, lease_seconds=settings.ASAHI.batches.lease_seconds)
    except RedisAway:
        log.warning("batch.reservations_not_kept", extra={"batch": job.batch.pk})
