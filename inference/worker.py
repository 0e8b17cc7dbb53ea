"""Calls made by the worker: the same stages as in a web process, for as long as one task runs.

    def advance() -> None:                       # a Celery task
        run_stint(work)                          # an event loop of its own

    async def work(workshop: Workshop) -> None:
        reply = await workshop.answer(principal, call)

A task does not run for long: it works for a stint, leaves what is left in Postgres, and is called again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

from governance.domain import Principal
from governance.gatekeeper import Gatekeeper
from governance.principals import Pool
from inference.domain import Call, Reply
from inference.gateway import Gateway
from inference.records import Records
from inference.stages import Stages

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Workshop:
    """What calls are made with in a worker."""

    gateway: Gateway
    stages: Stages
    gatekeeper: Gatekeeper
    records: Records
    pool: Pool

    async def answer(self, principal: Principal, call: Call) -> Reply:
        """One call of one principal, through the whole pipeline: admitted, answered, recorded.

        A worker that dies meanwhile leaves it billed at its estimate; tried again under the same request id it is
        still charged once, for what it really used.
        """
        return await self.gateway.pipeline.answer(principal, call)

    async def forget(self, org_id: str, request_id: str) -> None:
        """Let go of what an earlier try of this request, by a worker that died, may still hold in Redis."""
        await self.gatekeeper.forget(org_id, (request_id,))


def run_stint(work: Callable[[Workshop], Awaitable[T]]) -> T:
    """Runs `work` to its end. For an ordinary thread, as Celery's tasks have."""
    return asyncio.run(_run(work))


async def _run(work: Callable[[Workshop], Awaitable[T]]) -> T:
    opened: Callable[[], AbstractAsyncContextManager[Workshop]] = import_string(settings.WORKSHOP)
    try:
        async with opened() as workshop:
            return await work(workshop)
    finally:
        await in_thread(connections.close_all)()  # those of the thread that `in_thread` uses


def in_thread(function: Callable[..., T]) -> Callable[..., Awaitable[T]]:
    """An ordinary function that uses the ORM, for an event loop. All of them share one thread, and so a connection."""
    wrapped: Any = sync_to_async(function, thread_sensitive=True)
    return wrapped  # type: ignore[no-any-return]
