"""How a document is read when not as a whole: by notes of its parts, or by the passages that a question is about.

Both are asked for by the caller. What cannot be read this way is read as a whole where that fits, and the receipt says
so; where it does not fit, the caller is told.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from caching.workflow.selection import evidence_kept
from inference.domain import Order, Refusal, RefusalKind, Workflow, WorkflowMode
from inference.stages import Looked
from inference.tokens import count_tokens
from inference.workflow.documents import document_in, with_document
from inference.workflow.passages import Selector
from inference.workflow.steps import NoteTaker


class Reader:
    """Puts less in the place of a document."""

    def __init__(self, notes: NoteTaker, selector: Selector) -> None:
        self._notes = notes
        self._selector = selector

    async def read(self, looked: Looked, workflow: Workflow) -> Looked:
        """The same with an order that asks about less; or with a refusal."""
        if workflow.mode is WorkflowMode.MAP_REDUCE:
            read = await self._by_notes(looked.order)
        else:
            read = await self._by_passages(looked.order, workflow.budget)
        if not isinstance(read, str) and (workflow.whole_fits or _fits(looked.order, read)):
            return replace(looked, order=read)
        why = read if isinstance(read, str) else "what was to be read of it is too long"
        if workflow.whole_fits:
            return replace(looked, order=_noted(looked.order, f"read as a whole: {why}", {}))
        message = f"the document is too long to be read as a whole, and {workflow.mode.value} failed: {why}"
        return replace(looked, refusal=Refusal(RefusalKind.PROVIDER_FAILED, message, details={"param": "workflow"}))

    async def _by_notes(self, order: Order) -> Order | str:
        noted = await self._notes.note(order)
        if isinstance(noted, str):
            return noted
        facts = {"steps_made": len(noted.made), "steps_reused": noted.reused, "model": noted.model}
        said = f"answered from notes: {len(noted.made)} steps made, {noted.reused} reused"
        requests = {"requests": list(noted.made)} if noted.made else {}
        techniques = (*noted.order.techniques, WorkflowMode.MAP_REDUCE.value)
        return replace(_noted(noted.order, said, {"steps": facts | requests}), techniques=techniques)

    async def _by_passages(self, order: Order, budget: float) -> Order | str:
        """The tokens left out are saved, as the caller asked about all of them."""
        document = document_in(order)
        selection = await self._selector.select(order, document, budget)
        if selection is None:
            return "there is nothing to select by"
        left_out = await asyncio.to_thread(lambda: count_tokens(document) - count_tokens(selection.text))
        facts: dict[str, Any] = {
            "passages_read": selection.chosen,
            "passages": selection.passages,
            "budget": budget,
            "by": selection.by,
            "evidence_kept_on_sample": evidence_kept(budget),
        }
        said = f"read {selection.chosen} of {selection.passages} passages"
        return replace(
            _noted(with_document(order, selection.text), said, {"selection": facts}),
            techniques=(*order.techniques, "passage_selection"),
            tokens_saved=order.tokens_saved + max(left_out, 0),
        )


def _fits(before: Order, after: Order) -> bool:
    """Whether what is asked now is within what was reserved: the document was not counted as a whole."""
    return len(document_in(after).encode("utf-8", "replace")) <= before.call.input_token_bound


def _noted(order: Order, said: str, facts: dict[str, Any]) -> Order:
    before = order.notes.get("t3", "")
    return replace(
        order,
        notes={**order.notes, "t3": f"{before}; {said}" if before else said},
        evidence={**order.evidence, "t3": {**order.evidence.get("t3", {}), **facts}},
    )
