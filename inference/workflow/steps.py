"""Answering about a very long document from notes that were taken of it, chunk by chunk.

A note is a call of its own through the pipeline, by the cheapest model that is good enough: reserved, billed and
recorded like any other, and kept by all that it depends on. So the next question, and the document after an edit, need
only the notes of what is new.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from analytics.ids import new_request_id
from caching.workflow.digests import step_key
from caching.workflow.segmentation import Chunk, segment
from caching.workflow.steps import StepResult, Steps
from governance.domain import Principal
from inference.domain import (
    Answer,
    CacheMode,
    Call,
    Controls,
    LatencyPreference,
    Order,
    QualityPreference,
    Refusal,
    RefusalKind,
    Reply,
    RoutingMode,
    Wire,
)
from inference.filing import filing_of
from inference.semantic.answers import servable_text
from inference.workflow.documents import document_in, with_document

log = logging.getLogger(__name__)

_STEP, _VERSION = "extract", 1
_TASK = (
    "Take notes of this part of a longer document, for somebody who will answer questions from your notes alone. Keep "
    "every fact, name, figure, date, decision, reason and open point, and who said it. Be brief; add nothing."
)
_PARAMETERS = {"max_completion_tokens": 2_000}
_NOTES = "These are notes of the parts of a document, in its order. Answer from them."
_AT_ONCE = 8
_SECONDS = 240.0
"""How long the notes of one document may take."""

Ask = Callable[[Principal, Call], Awaitable[Reply]]
Pick = Callable[[Principal, Call], str | None]
"""The id of the cheapest model that is good enough for a call; None when there is none."""


@dataclass(frozen=True, slots=True)
class Noted:
    """An order that asks about the notes, and what they took."""

    order: Order
    made: tuple[str, ...]
    reused: int
    model: str


class NoteTaker:
    """Takes notes of documents."""

    def __init__(self, steps: Steps, pick: Pick, *, ttl_seconds: int) -> None:
        self._steps = steps
        self._pick = pick
        self._ttl_seconds = ttl_seconds
        self._ask: Ask | None = None

    def connect(self, ask: Ask) -> None:
        """Give it the pipeline that it is itself a part of."""
        self._ask = ask

    async def note(self, order: Order) -> Noted | str:
        """The order with notes in the document's place; or why there are none."""
        document = document_in(order)
        chunks = segment(document)
        model = self._pick(order.principal, _call_for(order, chunks[0].text, None))
        if model is None or self._ask is None:
            return "no model can take notes"
        work = _Work(self, order, model)
        try:
            async with asyncio.timeout(_SECONDS):
                notes = await work.run(chunks)
        except TimeoutError:
            return "the notes took too long"
        if isinstance(notes, str):
            return notes
        text = "\n\n".join((_NOTES, *(f"[{place + 1}] {note}" for place, note in enumerate(notes))))
        if len(text) >= len(document):
            return "the notes were no shorter than the document"
        return Noted(with_document(order, text), tuple(work.made), len(chunks) - len(work.made), model)

    async def find(self, org_id: str, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Those that are kept; none while Postgres is away."""
        try:
            return dict(await self._steps.find(org_id, keys))
        except (psycopg.Error, OSError) as error:
            log.warning("t3.steps_away", extra={"error": type(error).__name__})
            return {}

    async def keep(self, order: Order, result: StepResult) -> None:
        """For as long as the organization's policy and the deployment say."""
        wished = order.principal.policy.cache_ttl_seconds
        ttl = self._ttl_seconds if wished is None else min(wished, self._ttl_seconds)
        if ttl <= 0:
            return
        age = time.perf_counter() - order.call.received_at
        try:
            await self._steps.keep(order.principal.org_id, result, filing_of(order), ttl_seconds=ttl, age_seconds=age)
        except (psycopg.Error, OSError) as error:
            log.warning("t3.step_not_kept", extra={"error": type(error).__name__})

    async def ask(self, order: Order, text: str, model: str) -> tuple[str, Reply]:
        """The id of the step's own request, and what came of it."""
        assert self._ask is not None
        call = _call_for(order, text, model)
        return call.request_id, await self._ask(order.principal, call)


class _Work:
    """The notes of one request."""

    def __init__(self, taker: NoteTaker, order: Order, model: str) -> None:
        self.made: list[str] = []
        self._taker = taker
        self._order = order
        self._model = model
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._epoch = order.principal.policy.cache_epoch

    async def run(self, chunks: Sequence[Chunk]) -> list[str] | str:
        """The notes of all chunks, in order; or what went wrong, at the first that did."""
        keys = [self._key_of(chunk) for chunk in chunks]
        known: dict[bytes, str] = {}
        if self._order.call.controls.cache is not CacheMode.OFF and self._order.principal.policy.cache_enabled:
            known = await self._taker.find(self._order.principal.org_id, list(dict.fromkeys(keys)))
        known |= {key: "" for key, chunk in zip(keys, chunks, strict=True) if not chunk.text.strip()}
        missing = {key: chunk for key, chunk in zip(keys, chunks, strict=True) if key not in known}
        tasks = [asyncio.create_task(self._make(key, chunk)) for key, chunk in missing.items()]
        try:
            for task in asyncio.as_completed(tasks):
                made = await task
                if isinstance(made, Refusal):
                    return f"a note could not be taken: {made.message[:200]}"
                known[made.key] = made.text
        finally:
            for unfinished in tasks:
                unfinished.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [known[key] for key in keys]

    async def _make(self, key: bytes, chunk: Chunk) -> StepResult | Refusal:
        async with self._room:
            request_id, reply = await self._taker.ask(self._order, chunk.text, self._model)
        self.made.append(request_id)
        if isinstance(reply, Refusal):
            return reply
        assert isinstance(reply, Answer), "a step is never streamed"
        result = StepResult(key, _STEP, self._model, servable_text(Wire.CHAT, reply.body))
        if not result.text:
            return Refusal(RefusalKind.PROVIDER_FAILED, f"{self._model} did not finish it")
        if self._order.call.controls.cache is not CacheMode.OFF:
            await self._taker.keep(self._order, result)
        return result

    def _key_of(self, chunk: Chunk) -> bytes:
        parameters = {**_PARAMETERS, "epoch": self._epoch}
        return step_key(chunk=chunk.digest, step=_STEP, version=_VERSION, model=self._model, parameters=parameters)


def _call_for(order: Order, text: str, model: str | None) -> Call:
    """One step as a request of the same caller. Without a model it is what one is picked for."""
    parent = order.call
    body: dict[str, Any] = {
        "messages": [{"role": "system", "content": _TASK}, {"role": "user", "content": text}],
        **_PARAMETERS,
    }
    controls = Controls(
        routing_mode=RoutingMode.GUIDED if model is None else RoutingMode.EXPLICIT,
        cache=CacheMode.OFF if parent.controls.cache is CacheMode.OFF else CacheMode.EXACT,
        quality_preference=QualityPreference.MEDIUM if model is None else None,
        latency_preference=LatencyPreference.SLOW if model is None else None,
        end_user=parent.controls.end_user,
        tags=parent.controls.tags,
        step_of=parent.request_id,
    )
    return replace(
        parent,
        request_id=new_request_id(),
        wire=Wire.CHAT,
        body=body,
        model=model,
        stream=False,
        include_usage=False,
        max_output_tokens=_PARAMETERS["max_completion_tokens"],
        input_token_bound=len(_TASK) + len(text.encode("utf-8", "replace")) + 100,
        controls=controls,
        received_at=time.perf_counter(),
        headers={},
        service="",
        searches=0,
    )
