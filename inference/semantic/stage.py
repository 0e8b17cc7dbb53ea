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
from caching.domain import Decision, Embedded, EmbeddingError, Neighbour, Outcome, SemanticStore, StoreError
from caching.semantic import NEIGHBOURS, decide, thresholds_for
from inference.cacheability import refusal_of_question, refusal_of_semantic
from inference.domain import Order, Tier
from inference.observe import observe_lookup
from inference.routing.tasks import detect_task
from inference.semantic.embedding import Source, Sources, with_own_spend
from inference.semantic.learning import Lesson, Lessons
from inference.semantic.scope import scope_of
from inference.semantic.verifier import Verifier
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


class SemanticCache:
    """Fulfils `inference.stages.Cache`, for the requests of one tier: those in which `find` finds a question."""

    def __init__(
        self, store: SemanticStore, sources: Sources, calibrations: Calibrations, lessons: Lessons, *,
        tier: Tier, find: Find, verifier: Verifier | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._sources = sources
        self._calibrations = calibrations
        self._lessons = lessons
        self._tier = tier
        self._find = find
        self._verifier = verifier
        self._left_out_until = 0.0
        self._worth = Worth()

    async def look_up(self, order: Order) -> Looked:
        """See `inference.stages.Cache`."""
        question = self._question_in(order)
        if isinstance(question, str):
            return self._passed(order, question)
        if time.monotonic() < self._left_out_until:
            return self._passed(order, "left out: it did not answer in time", as_="left_out")
        if not self._worth.is_worth_it(order.principal.org_id, _luck_of(order)):
            return self._passed(order, "passed over: it has found next to nothing for this organization lately")
        source = self._sources.of(order)
        asked = _Asked(question.text, scope_of(order, question, source.embedder.version), source)
        work = source.begin(asked.text)
        await asyncio.wait({work}, timeout=source.patience)
        if not work.done():
            return self._late(source.spent_perhaps(order, asked.text), asked, work)
        try:
            embedded = work.result()
            order = source.spent(order, embedded.tokens)
            vector = embedded.vectors[0]
            near = await self._store.nearest(order.principal.org_id, asked.scope, vector, NEIGHBOURS)
            return await self._decide(order, asked, vector, near)
        except (EmbeddingError, StoreError) as error:
            return self._left_out(order, error)

    def _question_in(self, order: Order) -> Question | str:
        """What to look up, or why nothing."""
        refusal = order.notes.get("t1", "") or refusal_of_semantic(order)
        question = refusal or self._find(order)
        return question if isinstance(question, str) else refusal_of_question(question.text) or question

    def _left_out(self, order: Order, error: EmbeddingError | StoreError) -> Looked:
        patience = next(seconds for kind, seconds in _LEFT_OUT_SECONDS.items() if isinstance(error, kind))
        self._left_out_until = time.monotonic() + patience
        log.warning("t2.left_out", extra={"error": type(error).__name__, "reason": str(error)[:200]})
        return self._passed(order, "left out: it did not answer in time", as_="left_out")

    def _late(self, order: Order, asked: _Asked, work: asyncio.Future[Embedded]) -> Looked:
        """The request goes on without its vector, which is learned from when it comes."""
        looked = self._left_out(order, EmbeddingError("no embedding in time"))
        subject = self._subject(order, asked)

        def lesson_of(vector: NDArray[np.float32]) -> Lesson:
            return Lesson(order, asked.text, asked.scope, vector, None, None, subject)

        return replace(looked, learn=self._lessons.take_later(work, lesson_of))

    async def _decide(
        self, order: Order, asked: _Asked, vector: NDArray[np.float32], near: Sequence[Neighbour]
    ) -> Looked:
        subject = self._subject(order, asked)
        calibration = await self._calibrations.of(subject)
        wished = order.principal.policy.semantic_error_target
        certain = calibration.threshold(DEFAULT_TARGET if wished is None else wished)
        thresholds = replace(thresholds_for(subject[1], proven=asked.source.proven), certain=certain)
        decision = decide(asked.text, near, thresholds)
        servable = bool(near) and not decision.guard and decision.similarity >= thresholds.floor
        self._calibrations.saw_request(subject, decision.certainty if servable else None)
        if decision.outcome is Outcome.VERIFY:
            order, decision = await self._verified(order, asked.text, decision, near)
        self._worth.saw(order.principal.org_id, hit=decision.outcome is Outcome.HIT)
        if decision.outcome is Outcome.HIT and not calibration.explores(decision.certainty, _luck_of(order)):
            try:
                answer = await self._store.answer(order.principal.org_id, decision.entry)
            except StoreError as error:  # what a verifier cost is known here alone
                return self._left_out(order, error)
            if answer is not None:
                noted = self._noted(order, decision, subject)
                return Looked(noted, answer, f"{decision.reason}: answered from {self._tier.name}")
        lesson = Lesson(order, asked.text, asked.scope, vector, near, decision if servable else None, subject)
        return Looked(
            self._noted(order, decision, subject, checked=decision.outcome is Outcome.HIT),
            learn=self._lessons.take(lesson),
        )

    async def _verified(
        self, order: Order, asked: str, decision: Decision, near: Sequence[Neighbour]
    ) -> tuple[Order, Decision]:
        """What the verifier makes of a doubtful one. Its word serves this request and teaches nothing: labels come from
        answers alone, or its errors would confirm themselves."""
        verifier = self._verifier
        if verifier is None or not order.principal.policy.allows(verifier.model.id):
            return order, decision
        cached = next(neighbour.text for neighbour in near if neighbour.entry == decision.entry)
        verdict = await verifier.compare(cached, asked)
        if verdict.tokens:
            facts = {"model": verifier.model.id, "tokens": verdict.tokens}
            facts |= {"estimated": True} if verdict.estimated else {}
            order = with_own_spend(order, "verifier", verdict.spent_nano, facts)
        reason = f"{verdict.reason} ({verifier.model.id}); {decision.reason}"
        return order, replace(decision, outcome=Outcome.HIT if verdict.same else Outcome.MISS, reason=reason)

    def _subject(self, order: Order, asked: _Asked) -> Subject:
        """What is learned from a simulator's answers says nothing about a model's."""
        version = asked.source.embedder.version
        return (order.principal.org_id, detect_task(asked.text), f"{version}+simulated" if order.simulated else version)

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
    source: Source


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
