"""What becomes of a question that T2 could not answer: its answer is kept, and says if the nearest would have done.

All of it happens after the answer is out, one lesson at a time, and never more than a bounded number of them waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caching.calibrations import Calibrations, Subject
from caching.domain import Decision, Embedder, EmbeddingError, Neighbour, SemanticStore, StoreError
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
    """A question on its way to a provider, and what was near. `decision` is None when nothing could be served."""

    order: Order
    text: str
    scope: bytes
    vector: NDArray[np.float32]
    near: Sequence[Neighbour]
    decision: Decision | None
    subject: Subject


class Lessons:
    """The lessons of one gateway process."""

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

    async def run(self) -> None:
        """Learns, for as long as the process serves."""
        while True:
            lesson, executed = await self._waiting.get()
            try:
                await self.learn(lesson, executed)
            except (EmbeddingError, StoreError) as error:
                log.warning("t2.not_learned", extra={"error": type(error).__name__, "reason": str(error)[:200]})
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
        name = ""
        for place, neighbour in enumerate(lesson.near[:_COMPARED]):
            kept = await self._store.answer(lesson.order.principal.org_id, neighbour.entry)
            theirs = "" if kept is None else servable_text(lesson.order.call.wire, kept.body)
            same = await say_the_same(self._embedder, theirs, text) if theirs else None
            if place == 0 and same is not None and lesson.decision is not None:
                self._calibrations.saw_label(lesson.subject, lesson.decision.certainty, right=same)
            if same:
                name = name or neighbour.answer
        return name
