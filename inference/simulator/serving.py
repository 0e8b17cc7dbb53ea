"""Sends a prepared call's answer through whatever fault is due, and enters in the ledger what was really sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from email.utils import formatdate

from inference.simulator.exchange import Client, Request
from inference.simulator.faults import Disturbance, FaultRule, Trouble
from inference.simulator.hostility.staging import Hold, Scene, Step, stage
from inference.simulator.ledger import Entry, Outcome
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Dialect, Document, Metered, Prepared, Reply
from inference.simulator.world import World

_EVENTS_PER_TURN = 16
"""A stream without pauses lets others run, and learns of a departure, this often."""
_ENDED_BY_DEPARTURE = frozenset({Trouble.HANG, Trouble.HANG_AFTER_HEADERS, Trouble.HANG_AFTER_CHUNKS, Trouble.ENDLESS})
_NOTHING = Metered(0)


class Serving:
    """One call, from the moment it is accepted until its last byte."""

    def __init__(self, *, world: World, client: Client, request: Request, dialect: Dialect) -> None:
        self._world = world
        self._client = client
        self._request = request
        self._dialect = dialect
        self._request_id = world.new_id("req_")
        self._started = time.perf_counter()

    async def refuse(self, refusal: Refusal) -> None:
        self._world.ledger.totals.refused += 1
        await self._send_error(refusal)

    async def answer(self, answer: bytes | Document) -> None:
        """Something that costs nothing, such as a list of models."""
        rule = self._world.faults.next_free(self._request.path)
        if await self._fails_before(rule):
            return
        document = answer if isinstance(answer, Document) else Document(answer, b"application/json")
        if rule.kind in (Trouble.NONE, Trouble.HANG):
            await self._client.respond(200, document.body, self._headers(), content_type=document.content_type)
        else:
            await self._play(self._stage(Reply("", _NOTHING, body=document.body), rule))

    async def serve(self, prepared: Prepared) -> None:
        """Wait, fail or answer, as the fault plan has it for this call."""
        disturbance = self._world.faults.next_for(prepared.model, self._request.path)
        rule = disturbance.rule
        if not await self._client.pause(disturbance.plan.latency_ms / 1000):
            self._enter(prepared, None, _NOTHING, Outcome.CLIENT_DISCONNECT, rule)
        elif await self._fails_before(rule):
            self._enter(prepared, None, _NOTHING, Outcome.INJECTED_ERROR, rule)
        else:
            await self._perform(prepared, disturbance)

    async def _fails_before(self, rule: FaultRule) -> bool:
        """Carry out a trouble that comes before any work; whether that was the end of it."""
        match rule.kind:
            case Trouble.ERROR:
                await self._send_error(self._dialect.outage(rule.status or 500), retry_after=_retry_after(rule))
                return True
            case Trouble.REDIRECT:
                headers = [*self._headers(), (b"location", rule.location.encode())]
                await self._client.respond(rule.status or 302, b"", headers, content_type=b"text/html")
                return True
            case Trouble.HANG:
                return not await self._client.pause(rule.seconds)
            case _:
                return False

    async def _perform(self, prepared: Prepared, disturbance: Disturbance) -> None:
        reply, rule = prepared.perform(), disturbance.rule
        if isinstance(reply, Refusal):
            await self.refuse(reply)
        elif rule.kind not in (Trouble.NONE, Trouble.HANG):
            await self._disturb(prepared, reply, disturbance)
        elif reply.events is None:
            await self._client.respond(200, reply.body, self._headers())
            self._enter(prepared, reply, reply.metered, Outcome.OK, rule)
        else:
            await self._stream(prepared, reply, disturbance)

    async def _send_error(self, refusal: Refusal, *, retry_after: str | None = None) -> None:
        headers = list(self._headers())
        if retry_after is not None:
            headers.append((b"retry-after", retry_after.encode("latin-1")))
        await self._client.respond(refusal.status, self._dialect.error_body(refusal, self._request_id), headers)

    async def _stream(self, prepared: Prepared, reply: Reply, disturbance: Disturbance) -> None:
        plan = disturbance.plan
        sent = 0
        there = await self._client.pause(plan.first_byte_ms / 1000)
        if there:
            await self._client.start_stream(self._headers())
            sent, there = await self._relay(reply.events or (), chunk_seconds=plan.chunk_ms / 1000)
        if there:
            await self._client.end_stream()
        outcome = Outcome.OK if there else Outcome.CLIENT_DISCONNECT
        self._enter(prepared, reply, reply.metered.cut_at(sent), outcome, disturbance.rule)

    async def _disturb(self, prepared: Prepared, reply: Reply, disturbance: Disturbance) -> None:
        rule, plan = disturbance.rule, disturbance.plan
        scene = self._stage(reply, rule)
        if reply.events is None:
            sent, there = await self._play(scene)
        else:
            await self._client.pause(plan.first_byte_ms / 1000)
            sent, there = await self._play(scene, chunk_seconds=plan.chunk_ms / 1000)
        if reply.events is not None:
            told = worked = reply.metered.cut_at(sent)
        else:
            worked = reply.metered
            told = worked if scene.told and there else Metered(worked.input, service=worked.service)
        left = not there and rule.kind not in _ENDED_BY_DEPARTURE
        outcome = Outcome.CLIENT_DISCONNECT if left else Outcome.INJECTED_ERROR
        self._enter(prepared, reply, told, outcome, rule, worked=worked)

    def _stage(self, reply: Reply, rule: FaultRule) -> Scene:
        refusal = self._dialect.outage(rule.status or 500)
        event = self._dialect.error_event(refusal, self._request_id, self._request.path)
        return stage(reply, rule, event, self._dialect.error_body(refusal, self._request_id))

    async def _play(self, scene: Scene, *, chunk_seconds: float = 0) -> tuple[int, bool]:
        if self._client.gone:
            return 0, False
        await self._client.start([*scene.headers, *self._headers()])
        sent, there = await self._relay(scene.steps, chunk_seconds=chunk_seconds)
        if there and scene.ends:
            await self._client.end_stream()
        return sent, there

    async def _relay(self, steps: Iterable[Step], *, chunk_seconds: float = 0) -> tuple[int, bool]:
        """Send events until they end or the client leaves: how many tokens were sent, and whether it is still there."""
        client = self._client
        sent = number = 0
        for step in steps:
            if isinstance(step, Hold):
                if not await client.pause(step.seconds):
                    return sent, False
                continue
            if number and chunk_seconds:
                await client.pause(chunk_seconds)
            elif number % _EVENTS_PER_TURN == 0:
                await asyncio.sleep(0)
            if not await client.write(step.data):
                return sent, False
            sent += step.tokens
            number += 1
        return sent, True

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return list(self._dialect.headers(self._request_id, int((time.perf_counter() - self._started) * 1000)))

    def _enter(
        self,
        prepared: Prepared,
        reply: Reply | None,
        told: Metered,
        outcome: Outcome,
        rule: FaultRule,
        *,
        worked: Metered | None = None,
    ) -> None:
        if not prepared.billed:
            return
        entry = Entry(
            call_id=reply.call_id if reply else self._request_id,
            provider=prepared.provider,
            model=prepared.model,
            path=self._request.path,
            stream=prepared.stream,
            told=told,
            worked=worked or told,
            outcome=outcome,
            fault=rule.kind,
            metadata=self._request.header(b"x-client-request-id"),
        )
        self._world.ledger.record(entry)


def _retry_after(rule: FaultRule) -> str | None:
    """Seconds as a plain number, or whatever text the rule has, or a date."""
    if rule.retry_after_date is not None:
        return formatdate(time.time() + rule.retry_after_date, usegmt=True)
    if isinstance(rule.retry_after, float | int):
        return f"{rule.retry_after:.12f}".rstrip("0").rstrip(".")
    return rule.retry_after
