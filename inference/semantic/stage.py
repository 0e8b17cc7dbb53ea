"""T2 in the pipeline, and T3's answers: cacheability → embedding → nearest questions of the scope → decision.

It never holds a request up for longer than its deadlines, and what fails is left out for a while: an embedder or a
store that does not answer costs its deadline once, not once for every request.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from caching.calibration import DEFAULT_TARGET
from caching.calibrations import Calibrations, Subject
from caching.domain import Decision, Embedder, EmbeddingError, Neighbour, Outcome, SemanticStore, StoreError
from caching.semantic import NEIGHBOURS, decide, thresholds_for
from inference.cacheability import refusal_of_question, refusal_of_semantic
from inference.domain import Order, Tier
from inference.observe import observe_lookup
from inference.routing.tasks import detect_task
from inference.semantic.learning import Lesson, Lessons
from inference.semantic.scope import scope_of
from inference.semantic.worth import Worth
from inference.stages import Looked
from inference.wire.questions import Question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

_LEFT_OUT_SECONDS = {StoreError: 5.0, EmbeddingError: 0.5}
"""A store that does not answer is away; an embedder that does not has more to do than it can, for a moment."""


Find = Callable[[Order], Question | str]
"""Finds what is asked, apart from everything else; or says why there is nothing to look up."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request waits for the embedding at most, in seconds. The store keeps a deadline of its own."""

    embedding: float


class SemanticCache:
    """Fulfils `inference.stages.Cache`, for the requests of one tier: those in which `find` finds a question."""

    def __init__(
        self, store: SemanticStore, embedder: Embedder, calibrations: Calibrations, lessons: Lessons,
        patience: Patience, *, tier: Tier, find: Find,
    ) -> None:  # fmt: skip
        self._store = store
        self._embedder = embedder
        self._calibrations = calibrations
        self._lessons = lessons
        self._patience = patience
        self._tier = tier
        self._find = find
        self._left_out_until = 0.0
        self._worth = Worth()

    async def look_up(self, order: Order) -> Looked:
        """See `inference.stages.Cache`."""
        refusal = order.notes.get("t1", "") or refusal_of_semantic(order)
        question = refusal or self._find(order)
        if isinstance(question, str):
            return self._passed(order, question)
        if refusal := refusal_of_question(question.text):
            return self._passed(order, refusal)
        if time.monotonic() < self._left_out_until:
            return self._passed(order, "left out: it did not answer in time", as_="left_out")
        if not self._worth.is_worth_it(order.principal.org_id, _luck_of(order)):
            return self._passed(order, "passed over: it has found next to nothing for this organization lately")
        scope = scope_of(order, question, self._embedder.version)
        try:
            vector = await self._embed(question.text)
            near = await self._store.nearest(order.principal.org_id, scope, vector, NEIGHBOURS)
            return await self._decide(order, _Asked(question.text, scope, vector), near)
        except (EmbeddingError, StoreError) as error:
            self._left_out_until = time.monotonic() + _LEFT_OUT_SECONDS[type(error)]
            log.warning("t2.left_out", extra={"error": type(error).__name__, "reason": str(error)[:200]})
            return self._passed(order, "left out: it did not answer in time", as_="left_out")

    async def _embed(self, text: str) -> NDArray[np.float32]:
        work = asyncio.ensure_future(self._embedder.embed([text]))
        work.add_done_callback(_forgive)
        done, _ = await asyncio.wait({work}, timeout=self._patience.embedding)
        if not done:
            raise EmbeddingError("no embedding in time")
        vector: NDArray[np.float32] = work.result()[0]
        return vector

    async def _decide(self, order: Order, asked: _Asked, near: Sequence[Neighbour]) -> Looked:
        task = detect_task(asked.text)
        subject = (order.principal.org_id, task, self._embedder.version)
        calibration = await self._calibrations.of(subject)
        wished = order.principal.policy.semantic_error_target
        certain = calibration.threshold(DEFAULT_TARGET if wished is None else wished)
        thresholds = replace(thresholds_for(task), certain=certain)
        decision = decide(asked.text, near, thresholds)
        servable = bool(near) and not decision.guard and decision.similarity >= thresholds.floor
        self._calibrations.saw_request(subject, decision.certainty if servable else None)
        self._worth.saw(order.principal.org_id, hit=decision.outcome is Outcome.HIT)
        if decision.outcome is Outcome.HIT and not calibration.explores(decision.certainty, _luck_of(order)):
            answer = await self._store.answer(order.principal.org_id, decision.entry)
            if answer is not None:
                noted = self._noted(order, decision, subject)
                return Looked(noted, answer, f"{decision.reason}: answered from {self._tier.name}")
        lesson = Lesson(order, asked.text, asked.scope, asked.vector, near, decision if servable else None, subject)
        return Looked(
            self._noted(order, decision, subject, checked=decision.outcome is Outcome.HIT),
            learn=self._lessons.take(lesson),
        )

    def _passed(self, order: Order, note: str, *, as_: str = "passed") -> Looked:
        observe_lookup(self._tier, as_)
        return Looked(replace(order, notes={**order.notes, self._tier.value: note}))

    def _noted(self, order: Order, decision: Decision, subject: Subject, *, checked: bool = False) -> Order:
        """What was decided, what that rests on, and whose certainty it is. `checked`: a hit that is not served, so that
        the provider's answer shows whether it would have been right."""
        outcome = "checked" if checked else decision.outcome.value
        observe_lookup(self._tier, outcome, decision.guard)
        said = f"{decision.reason}; not served, to be checked" if checked else decision.reason
        return replace(
            order,
            notes={**order.notes, self._tier.value: said},
            evidence={**order.evidence, self._tier.value: _evidence(decision, outcome, subject)},
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    text: str
    scope: bytes
    vector: NDArray[np.float32]


def _luck_of(order: Order) -> float:
    """Uniform in [0, 1). The same request always has the same luck."""
    digest = hashlib.blake2b((order.t1_key or "").encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


def _evidence(decision: Decision, outcome: str, subject: Subject) -> Mapping[str, Any]:
    _, task, embedder = subject
    facts: dict[str, Any] = {
        "outcome": outcome,
        "similarity": round(decision.similarity, 4),
        "certainty": round(decision.certainty, 4),
        "task": task,
        "embedder": embedder,
    }
    if decision.guard:
        facts["guard"] = decision.guard
    if decision.entry:
        facts["entry"] = decision.entry
    return facts


def _forgive(work: asyncio.Future[Any]) -> None:
    if not work.cancelled():
        work.exception()
