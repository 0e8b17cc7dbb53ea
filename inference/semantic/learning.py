"""What becomes of a question that T2 could not answer: its answer is kept, and says if the nearest would have done.

All of it happens after the answer is out, one lesson at a time, and never more than a bounded number of them waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caching.calibrations import Calibrations, Subject
from caching.domain import Decision, Embedded, Embedder, EmbeddingError, Neighbour, SemanticStore, StoreError
from inference.domain import Order
from inference.filing import filing_of
from inference.flights import Executed, Outcome
from inference.semantic.answers import say_the_same, servable_text
from inference.stages import Learn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

_MOST_WAITING = 200
_COMPARED = 3
"""Neighbours whose answers a new one is compared with: the nearest for its label, the others for its name."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question on its way to a provider, and what was near: None when nobody has looked yet. `decision` is None when
    nothing could be served."""

    order: Order
    text: str
    scope: bytes
    vector: NDArray[np.float32]
    near: Sequence[Neighbour] | None
    decision: Decision | None
    subject: Subject


class Lessons:
    """The lessons of one gateway process. `embedder` is the one in this process: answers are compared by what it says,
    whichever one embeds the questions, because that costs nothing and sends no answer to anybody."""

    def __init__(
        self, store: SemanticStore, embedder: Embedder, calibrations: Calibrations, *, ttl_seconds: int
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._calibrations = calibrations
        self._ttl_seconds = ttl_seconds
        self._waiting: asyncio.Queue[tuple[Lesson, Executed]] = asyncio.Queue(_MOST_WAITING)
        self.dropped = 0

    def take(self, lesson: Lesson) -> Learn:
        """What to tell when the answer is there."""

        def learn(outcome: Outcome) -> None:
            if isinstance(outcome, Executed) and outcome.entry is not None:
                try:
                    self._waiting.put_nowait((lesson, outcome))
                except asyncio.QueueFull:
                    self.dropped += 1  # the next answer to the same question is as good

        return learn

    def take_later(self, work: asyncio.Future[Embedded], lesson_of: Callable[[NDArray[np.float32]], Lesson]) -> Learn:
        """The same for a question whose vector came too late for its request: it is learned from once both are here."""

        def learn(outcome: Outcome) -> None:
            def embedded(work: asyncio.Future[Embedded]) -> None:
                if not work.cancelled() and work.exception() is None:
                    self.take(lesson_of(work.result().vectors[0]))(outcome)

            work.add_done_callback(embedded)

        return learn

    async def run(self) -> None:
        """Learns, for as long as the process serves."""
        while True:
            lesson, executed = await self._waiting.get()
            try:
                await self.learn(lesson, executed)
            except (EmbeddingError, StoreError) as error:
                log.warning("t2.not_learned", extra={"error": type(error).__name__, "reason": str(error)[:200]})
            except Exception:  # whatever one answer is like: the others' lessons go on
                log.exception("t2.lesson_failed")
            finally:
                self._waiting.task_done()

    async def settled(self) -> None:
        """Wait until everything taken so far is learned."""
        await self._waiting.join()

    async def learn(self, lesson: Lesson, executed: Executed) -> None:
        """Labels the decision, and keeps the answer. Raises EmbeddingError or StoreError."""
        assert executed.entry is not None
        call, principal = lesson.order.call, lesson.order.principal
        text = servable_text(call.wire, executed.entry.body)
        if not text or executed.report.usage is None or executed.report.usage.estimated:
            return
        name = await self._compare(lesson, text)
        wished = principal.policy.cache_ttl_seconds
        ttl = self._ttl_seconds if wished is None else wished
        if ttl > 0:
            await self._store.add(
                principal.org_id,
                lesson.scope,
                lesson.vector,
                text=lesson.text,
                answer=executed.entry,
                filing=filing_of(lesson.order),
                ttl_seconds=ttl,
                name=name,
            )

    async def _compare(self, lesson: Lesson, text: str) -> str:
        """The name of a near answer that says the same, empty when none does. The nearest one's is the label."""
        name, org_id, near = "", lesson.order.principal.org_id, lesson.near
        if near is None:
            near = await self._store.nearest(org_id, lesson.scope, lesson.vector, _COMPARED)
        for place, neighbour in enumerate(near[:_COMPARED]):
            kept = await self._store.answer(org_id, neighbour.entry)
            theirs = "" if kept is None else servable_text(lesson.order.call.wire, kept.body)
            same = await self._say_the_same(theirs, text) if theirs else None
            if place == 0 and same is not None and lesson.decision is not None:
                self._calibrations.saw_label(lesson.subject, lesson.decision.certainty, right=same)
            if same:
                name = name or neighbour.answer
        return name

    async def _say_the_same(self, one: str, other: str) -> bool | None:
        try:
            return await say_the_same(self._embedder, one, other)
        except EmbeddingError:  # the answer is worth keeping all the same
            return None
