"""Sends a prepared call's answer through whatever fault is due, and enters in the ledger what was really sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

from inference.simulator.exchange import Client, Request
from inference.simulator.faults import Disturbance, Trouble
from inference.simulator.ledger import Outcome
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Dialect, Event, Metered, Prepared, Reply
from inference.simulator.world import World

_EVENTS_PER_TURN = 16
"""A stream without pauses lets others run, and learns of a departure, this often."""


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

    async def answer(self, body: bytes) -> None:
        """Something that costs nothing, such as a list of models."""
        await self._client.respond(200, body, self._headers())

    async def serve(self, prepared: Prepared) -> None:
        """Wait, fail or answer, as the fault plan has it for this call."""
        disturbance = self._world.faults.next_for(prepared.model)
        plan = disturbance.plan
        if not await self._client.pause(plan.latency_ms / 1000):
            self._enter(prepared, None, Metered(0), Outcome.CLIENT_DISCONNECT)
        elif disturbance.trouble is Trouble.ERROR:
            await self._send_error(self._dialect.outage(plan.error_status), retry_after=plan.retry_after)
            self._enter(prepared, None, Metered(0), Outcome.INJECTED_ERROR)
        elif disturbance.trouble is Trouble.HANG:
            await self._client.pause(None)
            self._enter(prepared, None, Metered(0), Outcome.INJECTED_ERROR)
        else:
            await self._perform(prepared, disturbance)

    async def _perform(self, prepared: Prepared, disturbance: Disturbance) -> None:
        reply = prepared.perform()
        if isinstance(reply, Refusal):
            await self.refuse(reply)
        elif disturbance.trouble is Trouble.GARBAGE:
            await self._send_garbage(prepared, reply)
        elif reply.events is None:
            await self._send_whole(prepared, reply, half=disturbance.trouble is Trouble.HALF)
        else:
            await self._send_stream(prepared, reply, disturbance)

    async def _send_error(self, refusal: Refusal, *, retry_after: float | None = None) -> None:
        headers = list(self._headers())
        if retry_after is not None:
            headers.append((b"retry-after", b"%g" % retry_after))
        await self._client.respond(refusal.status, self._dialect.error_body(refusal, self._request_id), headers)

    async def _send_garbage(self, prepared: Prepared, reply: Reply) -> None:
        broken = b'{"id": "' + reply.call_id.encode() + b'", "choices": [{'
        if reply.events is not None:
            await self._client.start_stream(self._headers())
            await self._client.write(b"data: " + broken + b"\n\n")
            await self._client.end_stream()
        else:
            await self._client.respond(200, broken, self._headers())
        self._enter(prepared, reply, Metered(reply.metered.input), Outcome.INJECTED_ERROR)

    async def _send_whole(self, prepared: Prepared, reply: Reply, *, half: bool) -> None:
        if half:
            await self._client.promise(len(reply.body), self._headers())
            await self._client.write(reply.body[: len(reply.body) // 2])
            self._enter(prepared, reply, Metered(reply.metered.input), Outcome.INJECTED_ERROR)
        else:
            await self._client.respond(200, reply.body, self._headers())
            self._enter(prepared, reply, reply.metered, Outcome.OK)

    async def _send_stream(self, prepared: Prepared, reply: Reply, disturbance: Disturbance) -> None:
        plan = disturbance.plan
        half = disturbance.trouble is Trouble.HALF
        sent = 0
        there = await self._client.pause(plan.first_byte_ms / 1000)
        if there:
            events = _first_half(reply) if half else iter(reply.events or ())
            sent, there = await self._relay(events, chunk_seconds=plan.chunk_ms / 1000)
        outcome = Outcome.INJECTED_ERROR if half else Outcome.OK
        if there and not half:
            await self._client.end_stream()
        metered = replace(reply.metered, output=sent)
        self._enter(prepared, reply, metered, outcome if there else Outcome.CLIENT_DISCONNECT)

    async def _relay(self, events: Iterator[Event], *, chunk_seconds: float) -> tuple[int, bool]:
        """Send events until they end or the client leaves: how many tokens were sent, and whether it is still there."""
        client = self._client
        await client.start_stream(self._headers())
        sent = 0
        for number, event in enumerate(events):
            if number and chunk_seconds:
                await client.pause(chunk_seconds)
            elif number % _EVENTS_PER_TURN == 0:
                await asyncio.sleep(0)
            if not await client.write(event.data):
                return sent, False
            sent += event.tokens
        return sent, True

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return list(self._dialect.headers(self._request_id, int((time.perf_counter() - self._started) * 1000)))

    def _enter(self, prepared: Prepared, reply: Reply | None, metered: Metered, outcome: Outcome) -> None:
        if not prepared.billed:
            return
        self._world.ledger.record(
            call_id=reply.call_id if reply else self._request_id,
            provider=prepared.provider,
            model=prepared.model,
            path=self._request.path,
            stream=prepared.stream,
            input_tokens=metered.input,
            cached_input_tokens=metered.cached,
            cache_write_tokens=metered.cache_written,
            output_tokens=metered.output,
            outcome=outcome,
            metadata=self._request.header(b"x-client-request-id"),
        )


def _first_half(reply: Reply) -> Iterator[Event]:
    events = list(reply.events or ())
    return iter(events[: len(events) // 2])
