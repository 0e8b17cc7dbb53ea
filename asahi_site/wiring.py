"""The composition root of a process that makes calls, web or worker: builds the stages, starts what they hold, and
takes it all down in order."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
from django.conf import settings

from analytics import prometheus
from analytics.heartbeat import BEAT_SECONDS, beat
from analytics.spend import LedgerSpend
from asahi_site import runtime
from asahi_site.gateway_pool import make_pool
from asahi_site.provider_wiring import Outward, make_outward
from asahi_site.push import PushedChanges
from asahi_site.semantic_wiring import Semantic, make_semantic
from asahi_site.workflow_wiring import Workflow, make_documents, make_workflow
from caching import exact
from caching.exact import EntryFormat, ExactCache
from caching.local import LocalAnswers
from caching.workflow.prefixes import SIGHT
from governance import auth
from governance.account_uses import AccountUses
from governance.encryption import Keyring, keyring
from governance.gatekeeper import SCRIPTS, Gatekeeper
from governance.principals import Pool, PrincipalDirectory
from governance.redis_pipe import RedisAway, RedisPipe
from inference import catalog, gateway
from inference.calling import Providers
from inference.domain import Order, Plan, Refusal, RoutingMode
from inference.executor import Executor
from inference.flights import Flights
from inference.governing import Governing
from inference.idempotency import Claims
from inference.late_events import LateEvents
from inference.pipeline import Pipeline
from inference.pricing import PriceBook
from inference.providers.relay import Relay
from inference.quoting import Quoting
from inference.records import Records
from inference.registry import Registry
from inference.responses.store import ResponseStore
from inference.routing import Router
from inference.stages import Stages
from inference.worker import Workshop

log = logging.getLogger(__name__)

_LEASES_SECONDS = 5.0
_RECONCILE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a running process is made of."""

    pool: Pool
    pipe: RedisPipe
    relay: Relay
    uses: AccountUses
    flights: Flights
    late: LateEvents
    gatekeeper: Gatekeeper
    stages: Stages
    records: Records
    semantic: Semantic | None
    directory: PrincipalDirectory
    gateway: gateway.Gateway
    runtime: runtime.Runtime


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """Everything a web process needs while it serves. Entered at the server's start-up, left at its shutdown."""
    parts = _build(semantic=settings.ASAHI.cache.semantic)
    async with AsyncExitStack() as stack:
        await _open(parts, stack)
        if parts.semantic is not None:
            await stack.enter_async_context(parts.semantic.running())
        stack.push_async_callback(
            _stop, asyncio.create_task(PushedChanges(settings.REDIS_URL, parts.directory).listen())
        )
        stack.push_async_callback(_stop, asyncio.create_task(parts.gateway.claims.hold()))
        stack.callback(prometheus.flush)
        stack.push_async_callback(parts.gateway.claims.drain)
        stack.push_async_callback(parts.gateway.responses.drain)
        stack.push_async_callback(parts.late.flush)
        stack.push_async_callback(parts.flights.drain)  # before all of the above: what still runs is recorded
        _install(parts)
        stack.callback(_uninstall)
        _spare_the_garbage_collector()
        yield


@asynccontextmanager
async def working() -> AsyncIterator[Workshop]:
    """The same for a while in a worker's task, with nothing installed for routes, and without T2: nobody waits there,
    and its models would be loaded for each task anew."""
    parts = _build(semantic=False)
    async with AsyncExitStack() as stack:
        await _open(parts, stack)
        stack.callback(prometheus.flush)
        stack.push_async_callback(parts.late.flush)
        stack.push_async_callback(parts.flights.drain)
        yield Workshop(parts.gateway, parts.stages, parts.gatekeeper, parts.records, parts.pool)


async def _open(parts: _Parts, stack: AsyncExitStack) -> None:
    await parts.pool.open()
    stack.push_async_callback(parts.pool.close)
    await parts.pipe.start()
    stack.push_async_callback(parts.pipe.stop)
    await parts.relay.start()
    stack.push_async_callback(parts.relay.stop)
    await _heartbeat(parts)
    stack.push_async_callback(parts.uses.write)
    for work in (
        _beat(parts),
        _keep_leases(parts.gatekeeper),
        _reconcile(parts.gatekeeper),
        parts.late.run(),
        parts.uses.run(),
    ):
        stack.push_async_callback(_stop, asyncio.create_task(work))


def _build(*, semantic: bool) -> _Parts:
    config, process_id = settings.ASAHI, str(uuid4())
    pool, pipe = make_pool(settings.DATABASE_URL), _make_pipe()
    gatekeeper, flights = Gatekeeper(pipe, LedgerSpend(pool)), Flights()
    registry, prices = catalog.registry(), catalog.price_book()
    outward, uses = make_outward(registry), AccountUses(pool)
    late = LateEvents(pipe, pool, config.ledger.stream)
    keys = keyring() if settings.ENCRYPTION_KEY else None
    t1 = _make_t1(pipe, keys)
    t2 = make_semantic(pool, keys, outward, registry, prices) if semantic else None
    records = Records(
        pipe=pipe,
        pool=pool,
        late=late,
        gatekeeper=gatekeeper,
        prices=prices,
        stream=config.ledger.stream,
        process_id=process_id,
        t1=t1,
    )
    router = _make_router(registry, prices, outward)
    workflow = make_workflow(pool, pipe, prices, router, t2)
    stages = Stages(
        quote=_make_quoting(registry, router, prices, outward),
        governance=Governing(gatekeeper, t1),
        batching=None,
        t2=None if t2 is None else t2.cache,
        t3=workflow.cache,
        optimize=None,
        enrich=None,
        route=_routing_by(router),
        execute=Executor(_make_providers(outward, records, uses)),
        record_hit=records.hit,
    )
    return _Parts(
        pool=pool,
        pipe=pipe,
        relay=outward.relay,
        uses=uses,
        flights=flights,
        late=late,
        gatekeeper=gatekeeper,
        stages=stages,
        records=records,
        semantic=t2,
        directory=_make_directory(pool),
        gateway=_make_gateway(_make_pipeline(stages, flights, workflow), registry, prices, outward, pool),
        runtime=runtime.Runtime(process_id, pool, pipe, outward.targets, outward.breakers, outward.standing),
    )


def _make_pipeline(stages: Stages, flights: Flights, workflow: Workflow) -> Pipeline:
    """T3 makes calls of its own through the pipeline that it is a stage of."""
    pipeline = Pipeline(stages, flights)
    workflow.notes.connect(pipeline.answer)
    return pipeline


def _make_directory(pool: Pool) -> PrincipalDirectory:
    config = settings.ASAHI.auth
    return PrincipalDirectory(pool, ttl=config.principal_ttl_seconds, size=config.principal_cache_size)


def _make_gateway(
    pipeline: Pipeline, registry: Registry, prices: PriceBook, outward: Outward, pool: Pool
) -> gateway.Gateway:
    return gateway.Gateway(
        pipeline=pipeline,
        registry=registry,
        prices=prices,
        targets=outward.targets,
        claims=Claims(pool),
        upstream=outward.relay,
        default_mode=RoutingMode(settings.ASAHI.routing.default_mode),
        responses=_make_response_store(pool),
        documents=make_documents(pool),
    )


def _make_response_store(pool: Pool) -> ResponseStore:
    config = settings.ASAHI.responses
    return ResponseStore(pool, days=config.days, max_bytes=config.max_conversation_bytes, enabled=config.keep)


def _make_providers(outward: Outward, records: Records, uses: AccountUses) -> Providers:
    return Providers(
        upstream=outward.relay,
        targets=outward.targets,
        breakers=outward.breakers,
        traffic=outward.traffic,
        records=records,
        used=uses.note,
        max_retries=settings.ASAHI.providers.max_retries,
    )


def _make_router(registry: Registry, prices: PriceBook, outward: Outward) -> Router:
    routing = settings.ASAHI.routing
    return Router(
        registry,
        prices,
        reach=outward.targets.reach,
        failing=outward.standing.failing,
        default_quality_bar=routing.quality_bar,
        default_max_output_tokens=routing.default_max_output_tokens,
    )


def _make_t1(pipe: RedisPipe, keys: Keyring | None) -> ExactCache:
    config = settings.ASAHI.cache
    local = LocalAnswers(redis_is_there=lambda: pipe.available, max_bytes=config.local_max_bytes)
    return ExactCache(EntryFormat(keys), local, ttl_seconds=config.t1_ttl_seconds, max_bytes=config.t1_max_answer_bytes)


def _make_pipe() -> RedisPipe:
    return RedisPipe(
        settings.REDIS_URL,
        preload=[script.load() for script in (*SCRIPTS, exact.FILL, exact.LAND, SIGHT)],
        timeout=settings.ASAHI.cache.redis_timeout_ms / 1000,
    )


def _make_quoting(registry: Registry, router: Router, prices: PriceBook, outward: Outward) -> Quoting:
    routing = settings.ASAHI.routing
    baseline = registry.find(routing.baseline_model)
    assert baseline is not None, "the system checks have made sure of the baseline model"
    return Quoting(
        registry=registry,
        router=router,
        prices=prices,
        default_baseline=baseline,
        default_output_tokens=routing.default_max_output_tokens,
        simulated=[name for name, simulated in outward.targets.providers().items() if simulated],
    )


def _routing_by(router: Router) -> Callable[[Order], Plan | Refusal]:
    def route(order: Order) -> Plan | Refusal:
        principal = order.principal
        return router.plan(
            order.call,
            task_text=order.task_text,
            policy=principal.policy,
            accounts=principal.accounts,
            among=order.candidates,
        )

    return route


def _install(parts: _Parts) -> None:
    auth.install_directory(parts.directory)
    gateway.install(parts.gateway)
    runtime.install(parts.runtime)


def _uninstall() -> None:
    auth.install_directory(None)
    gateway.install(None)
    runtime.install(None)


async def _beat(parts: _Parts) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        await _heartbeat(parts)


async def _heartbeat(parts: _Parts) -> None:
    """Says in Postgres that this process lives."""
    try:
        await beat(parts.pool, parts.runtime.process_id)
    except psycopg.Error as error:
        log.error("heartbeat.missed", extra={"error": type(error).__name__})


async def _keep_leases(gatekeeper: Gatekeeper) -> None:
    """Keeps what this process has reserved in Redis, however long Postgres takes for a heartbeat."""
    while True:
        await asyncio.sleep(_LEASES_SECONDS)
        try:
            await gatekeeper.renew_leases()
        except RedisAway:
            log.warning("leases.not_renewed")


async def _reconcile(gatekeeper: Gatekeeper) -> None:
    """Brings Redis and the ledger together again after one of them was away."""
    while True:
        await asyncio.sleep(_RECONCILE_SECONDS)
        try:
            await gatekeeper.reconcile()
        except (RedisAway, psycopg.Error) as error:
            log.warning("spending.not_reconciled", extra={"error": type(error).__name__})


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _spare_the_garbage_collector() -> None:
    """What is loaded by now lives as long as the process; collecting it again and again slows the slowest requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
