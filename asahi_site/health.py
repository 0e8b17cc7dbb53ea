"""`GET /health`: what works, what is degraded, which cache is in use. Costs one cheap query and no external call."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal

import hiredis
import msgspec
import psycopg
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router, Schema

from asahi_site import VERSION, runtime
from governance.redis_pipe import RedisAway, pack
from governance.signs_of_life import STALE_AFTER_SECONDS, keys_of_processes
from inference.api.render import JSON, WireResponse

router = Router(auth=None, tags=["Operations"])

_PATIENCE_SECONDS = 1.0
_started_at = time.monotonic()


class Components(Schema):
    database: str
    redis: str
    vector: str
    providers: dict[str, Any]
    worker: str
    recorder: str


class Health(Schema):
    status: Literal["ok", "degraded", "down"]
    version: str
    uptime_seconds: float
    cache_backend: Literal["redis", "memory"]
    components: Components


_SUMMARY = "Status of this process and what it depends on"


@router.get("/health", summary=_SUMMARY, response={200: Health, 503: Health})
async def health(request: HttpRequest) -> HttpResponseBase:  # noqa: ARG001 - ninja's signature
    here = runtime.current()
    database, processes = await asyncio.gather(_database(here), _processes(here))
    redis = "ok" if here.pipe.available and processes is not None else "away"
    components = {
        "database": database["status"],
        "redis": redis,
        "vector": database["vector"],
        "providers": here.standing.states(),
        **(processes or {"worker": "unknown", "recorder": "unknown"}),
    }
    well = all(components[name] == "ok" for name in ("database", "redis", "vector", "worker", "recorder"))
    body = {
        "status": "ok" if well else "degraded" if components["database"] == "ok" else "down",
        "version": VERSION,
        "uptime_seconds": round(time.monotonic() - _started_at, 1),
        "cache_backend": "redis" if redis == "ok" else "memory",
        "components": components,
    }
    return WireResponse(503 if body["status"] == "down" else 200, [JSON], msgspec.json.encode(body))


async def _database(here: runtime.Runtime) -> dict[str, str]:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), here.pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            cursor = await connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'")
            vector = "ok" if await cursor.fetchone() else "not installed"
    except (psycopg.Error, TimeoutError):
        return {"status": "away", "vector": "unknown"}
    return {"status": "ok", "vector": vector}


async def _processes(here: runtime.Runtime) -> dict[str, str] | None:
    """Whether the worker and the recorder have been seen lately; None when Redis cannot say."""
    names = keys_of_processes()
    try:
        replies = await here.pipe.submit(*(pack(b"GET", key) for key in names.values()))
    except RedisAway:
        return None
    now = time.time()
    return {name: _seen(reply, now) for name, reply in zip(names, replies, strict=True)}


def _seen(reply: Any, now: float) -> str:
    if reply is None or isinstance(reply, hiredis.ReplyError):
        return "not seen"
    return "ok" if now - float(reply) < STALE_AFTER_SECONDS else "silent"
