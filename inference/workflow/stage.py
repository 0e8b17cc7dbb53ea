"""T3 in the pipeline: a long prompt → its beginnings → an answer for the same document, or marks for the provider.

Never waits longer than its stores do, and never raises: without them a request goes on as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from caching.workflow.prefixes import Prefixes, Sighting
from inference.domain import Order, PrefixMarks, Workflow, WorkflowMode
from inference.pricing import PriceBook
from inference.stages import Cache, Looked
from inference.workflow.beginnings import Beginning, beginnings_of
from inference.workflow.documents import about_document
from inference.workflow.placement import place_marks
from inference.workflow.reading import Reader


class WorkflowCache:
    """Fulfils `inference.stages.Cache`. `answers` finds the same question about the same document, `reader` reads one
    in another way than as a whole."""

    def __init__(
        self, prefixes: Prefixes, prices: PriceBook, answers: Cache | None = None, *, reader: Reader | None = None
    ) -> None:
        self._reader = reader
        self._prefixes = prefixes
        self._prices = prices
        self._answers = answers

    async def look_up(self, order: Order) -> Looked:
        """See `inference.stages.Cache`."""
        if not about_document(order):
            return Looked(order)  # most are not, and even to note that would cost each of them more than this question
        looked = Looked(order) if self._answers is None else await self._answers.look_up(order)
        workflow = order.call.controls.workflow
        if looked.answer is None and workflow is not None and self._reader is not None:
            looked = await self._reader.read(looked, workflow)
        if looked.answer is not None or looked.refusal is not None or _is_selection(workflow):
            return looked
        found = beginnings_of(looked.order)
        return replace(looked, order=await self._placed(looked.order, found)) if found else looked

    async def _placed(self, order: Order, found: Sequence[Beginning]) -> Order:
        named = bool(order.call.controls.document_id)
        digests = [beginning.digest for beginning in found]
        sighting = await self._prefixes.sight(order.principal.org_id, digests, named=named)
        marks = place_marks(self._prices, order, found, sighting)
        facts = {**order.evidence.get("t3", {}), **_facts(found, sighting, marks)}
        if document := order.call.controls.document:
            facts["document"] = document.hex()
        said = _said(found, sighting, marks)
        note = f"{before}; {said}" if (before := order.notes.get("t3", "")) else said
        return replace(
            order,
            marks=marks,
            notes={**order.notes, "t3": note},
            evidence={**order.evidence, "t3": facts},
        )


def _is_selection(workflow: Workflow | None) -> bool:
    """Whose beginning is another one for every question."""
    return workflow is not None and workflow.mode is WorkflowMode.SELECT


def _facts(found: Sequence[Beginning], sighting: Sighting, marks: PrefixMarks) -> dict[str, object]:
    known = None if sighting.known is None else found[sighting.known]
    facts: dict[str, object] = {
        "beginning_tokens": found[-1].tokens,
        "known_tokens": 0 if known is None else known.tokens,
        "seen_before": sighting.before,
        "expected_again": round(sighting.again, 2),
    }
    if marks.cuts:
        facts["marked_for"] = sorted(marks.cuts)
    return facts


def _said(found: Sequence[Beginning], sighting: Sighting, marks: PrefixMarks) -> str:
    seen = "not seen before" if sighting.known is None else "seen before"
    marked = "marked for the provider's cache" if marks.cuts else "not marked for a provider's cache"
    return f"begins with about {found[-1].tokens} tokens that may come again, {seen}: {marked}"
