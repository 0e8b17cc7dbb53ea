"""Selecting passages of a document for a question: see `caching.workflow.selection`."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caching.domain import Embedder, EmbeddingError
from caching.workflow.segmentation import segment
from caching.workflow.selection import PASSAGE, choose
from inference.domain import Order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

_SECONDS = 10.0
_REMEMBERED = 32
_MOST_EMBEDDED = 2_000
_GAP = "\n[…]\n"


@dataclass(frozen=True, slots=True)
class Selection:
    """`text` is what is read of the document, `by` says what it was selected by."""

    text: str
    chosen: int
    passages: int
    by: str


class Selector:
    """By words and meaning; by words alone without an embedder, or when it takes too long."""

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self._vectors: OrderedDict[tuple[str, bytes], NDArray[np.float32]] = OrderedDict()

    async def select(self, order: Order, document: str, budget: float) -> Selection | None:
        """None when there is no question to select by."""
        question = order.task_text
        if not question.strip():
            return None
        passages = [chunk.text for chunk in await asyncio.to_thread(segment, document, near=PASSAGE)]
        found: Any = await self._embedded(order, question, passages)
        vectors = {} if found is None else {"question_vector": found[0], "vectors": found[1]}
        chosen = await asyncio.to_thread(choose, question, passages, budget, **vectors)
        by = "words" if found is None else "words and meaning"
        return Selection(_joined(passages, chosen), len(chosen), len(passages), by)

    async def _embedded(
        self, order: Order, question: str, passages: list[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """The vectors of a document are remembered, for its next question."""
        if self._embedder is None or len(passages) > _MOST_EMBEDDED:
            return None
        key = order.principal.org_id, order.call.controls.document
        try:
            async with asyncio.timeout(_SECONDS):
                (asked,) = await self._embedder.embed([question])
                vectors = self._vectors.get(key)
                if vectors is None:
                    vectors = self._vectors[key] = await self._embedder.embed(passages)
        except (EmbeddingError, TimeoutError) as error:
            log.warning("t3.not_embedded", extra={"error": type(error).__name__})
            return None
        self._vectors.move_to_end(key)
        if len(self._vectors) > _REMEMBERED:
            self._vectors.popitem(last=False)
        return asked, vectors


def _joined(passages: list[str], chosen: list[int]) -> str:
    """In the document's order, with a sign where something was left out."""
    parts: list[str] = []
    for place in chosen:
        if parts and place - 1 not in chosen:
            parts.append(_GAP)
        parts.append(passages[place])
    return "".join(parts)
