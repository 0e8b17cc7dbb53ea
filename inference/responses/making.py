"""Making the responses that were asked for in the background, many at a time, in a worker.

One maker serves all organizations: a further one only begins when none is at work, and leaves when nothing is left.
"""

from __future__ import annotations

import asyncio
import logging
import time
from uuid import uuid4

import msgspec
import psycopg

from governance.principals import KeyProblem, read_principal
from inference.api.intake import Arrival, steered_call
from inference.domain import Answer, Refusal, RefusalKind, Reply, Wire
from inference.responses.jobs import LEASE_SECONDS, MOST_ATTEMPTS, Claimed, Jobs, failed
from inference.responses.presentation import said_of
from inference.responses.sealing import Json, Turn
from inference.worker import Workshop

log = logging.getLogger(__name__)

_LOOKS_EVERY_SECONDS = 0.5
_SILENT_SECONDS = LEASE_SECONDS / 2
"""How long Postgres may be away while work goes on: others may not take it over before it is given up here."""

_LIMITS = frozenset({RefusalKind.RATE_LIMITED, RefusalKind.OVER_BUDGET, RefusalKind.OVER_PLAN})


class Maker:
    """Makes responses until none is waiting."""

    def __init__(self, workshop: Workshop, *, at_a_time: int) -> None:
        self._workshop = workshop
        self._at_a_time = at_a_time
        self._jobs = Jobs(workshop.pool)
        self._claim = uuid4()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._seen_at = time.monotonic()

    async def run(self) -> int:
        """Returns how many it made."""
        if await self._jobs.others_at_work():
            return 0
        made = 0
        try:
            while True:
                made += await self._take_more()
                if not self._tasks:
                    return made
                await asyncio.wait(self._tasks.values(), timeout=_LOOKS_EVERY_SECONDS)
                await self._look()
        finally:
            await self._stop(set(self._tasks))

    async def _take_more(self) -> int:
        free = self._at_a_time - len(self._tasks)
        try:
            claimed = await self._jobs.claim(self._claim, free) if free else []
        except psycopg.Error as error:
            log.warning("background.not_claimed", extra={"error": type(error).__name__})
            return 0
        for one in claimed:
            self._tasks[one.id] = asyncio.create_task(self._make(one))
        return len(claimed)

    async def _look(self) -> None:
        """Keeps what is being made, stops what nobody wants any more."""
        for response_id in [key for key, task in self._tasks.items() if task.done()]:
            del self._tasks[response_id]
        if not self._tasks:
            return
        try:
            wanted = await self._jobs.renew(self._claim, list(self._tasks))
            self._seen_at = time.monotonic()
        except psycopg.Error as error:
            log.warning("background.leases_not_renewed", extra={"error": type(error).__name__})
            wanted = set(self._tasks) if time.monotonic() - self._seen_at < _SILENT_SECONDS else set()
        await self._stop(set(self._tasks) - wanted)

    async def _stop(self, response_ids: set[str]) -> None:
        stopped = [self._tasks.pop(response_id) for response_id in response_ids]
        for task in stopped:
            task.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)

    async def _make(self, claimed: Claimed) -> None:
        try:
            body = await self._made(claimed)
            await self._jobs.finish(claimed.org_id, Turn(claimed.turn.given, body), claim=self._claim)
        except psycopg.Error as error:
            log.error("background.not_kept", extra={"response": claimed.id[:12], "error": type(error).__name__})
        except Exception:
            log.exception("background.failed", extra={"request_id": claimed.job.request_id})

    async def _made(self, claimed: Claimed) -> Json:
        begun = claimed.turn.body
        if claimed.attempts > MOST_ATTEMPTS:
            return failed(begun, "it was interrupted again and again")
        principal = await read_principal(self._workshop.pool, claimed.key_id)
        if isinstance(principal, KeyProblem):
            return failed(begun, principal.value)
        if claimed.attempts > 1:
            await self._workshop.forget(claimed.org_id, claimed.job.request_id)
        arrival = Arrival(claimed.job.request_id, time.perf_counter(), claimed.job.raw.encode(), claimed.job.headers)
        body = msgspec.json.decode(arrival.raw)
        gateway = self._workshop.gateway
        call = steered_call(arrival, body, Wire.RESPONSES, gateway.default_mode, claimed.org_id)
        reply = call if isinstance(call, Refusal) else await self._workshop.answer(principal, call)
        return _ended(begun, reply)


def _ended(begun: Json, reply: Reply) -> Json:
    if isinstance(reply, Answer):
        return said_of(msgspec.json.decode(reply.body), begun)
    assert isinstance(reply, Refusal), "a response in the background is not streamed while it is made"
    return failed(begun, reply.message, "rate_limit_exceeded" if reply.kind in _LIMITS else "server_error")
