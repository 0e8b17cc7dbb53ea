"""Whether answers about documents are ever given for another document, or for one that has changed since."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec

from caching.calibration import Calibration
from caching.calibrations import Calibrations, Subject
from caching.domain import CachedAnswer, Embedder, Filing, Neighbour
from caching.workflow.digests import digest_of
from inference.domain import Model, Order, Report, RoutingMode, Tier, Usage
from inference.endings import pack_usage
from inference.flights import Executed
from inference.pricing import PriceBook
from inference.semantic.embedding import Source, Sources
from inference.semantic.learning import Lessons
from inference.semantic.stage import SemanticCache
from inference.workflow.documents import find_question_about_document
from inference.workflow.evaluation.meetings import Meeting
from inference.workflow.evaluation.orders import order_about
from inference.workflow.evaluation.savings import MemoryPrefixes
from inference.workflow.stage import WorkflowCache

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ORG, _OTHER_ORG = "evaluation", "another"
_PATIENCE_SECONDS = 30.0


class MemoryStore:
    """`caching.domain.SemanticStore` in this process."""

    def __init__(self) -> None:
        self._scopes: dict[tuple[str, bytes], list[tuple[str, str, NDArray[np.float32]]]] = defaultdict(list)
        self._answers: dict[str, CachedAnswer] = {}

    async def nearest(self, org_id: str, scope: bytes, vector: NDArray[np.float32], count: int) -> Sequence[Neighbour]:
        held = self._scopes.get((org_id, scope), [])
        near = [Neighbour(entry, text, float(vector @ other), entry) for entry, text, other in held]
        return sorted(near, key=lambda neighbour: -neighbour.similarity)[:count]

    async def answer(self, org_id: str, entry: str) -> CachedAnswer | None:
        del org_id
        return self._answers.get(entry)

    async def add(
        self, org_id: str, scope: bytes, vector: NDArray[np.float32], *,
        text: str, answer: CachedAnswer, filing: Filing, ttl_seconds: int, name: str = "",
    ) -> str:  # fmt: skip
        del filing, ttl_seconds, name
        entry = str(len(self._answers))
        self._answers[entry] = answer
        self._scopes[org_id, scope].append((entry, text, vector))
        return entry

    async def remove(self, org_id: str, entry: str) -> bool:
        del org_id
        return self._answers.pop(entry, None) is not None


class Cold:
    """Calibrations of a deployment that has seen nothing yet."""

    async def of(self, subject: Subject) -> Calibration:
        del subject
        return Calibration()

    def saw_request(self, subject: Subject, certainty: float | None) -> None: ...

    def saw_label(self, subject: Subject, certainty: float, *, right: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Reuse:
    """`again` of `asked` questions were answered from T3 when they came again about the same document; the others count
    answers that were given for a changed document, for another one, and to another organization."""

    asked: int
    again: int
    stale: int
    across_documents: int
    across_organizations: int


async def measure_reuse(meetings: Sequence[Meeting], model: Model, prices: PriceBook, embedder: Embedder) -> Reuse:
    """Every question about every meeting is asked; then again, about the same meeting with one character changed, about
    the next one, and by another organization."""
    calibrations = cast("Calibrations", Cold())
    store = MemoryStore()
    lessons = Lessons(store, embedder, calibrations, ttl_seconds=3600)
    answers = SemanticCache(
        store, Sources(Source(embedder, _PATIENCE_SECONDS)), calibrations, lessons,
        tier=Tier.T3, find=find_question_about_document,
    )  # fmt: skip
    stage = WorkflowCache(MemoryPrefixes(), prices, answers)
    learning = asyncio.create_task(lessons.run())
    counts = [0, 0, 0, 0, 0]
    for place, meeting in enumerate(meetings):
        text, other = meeting.text, meetings[(place + 1) % len(meetings)].text
        changed = text[: len(text) // 2] + "~" + text[len(text) // 2 + 1 :]
        for asked in dict.fromkeys(asked.question for asked in meeting.asked):
            looked = await stage.look_up(order_about(text, asked, model, org_id=_ORG))
            if looked.learn is None or looked.answer is not None:
                continue
            looked.learn(executed(looked.order, model, _name_of(text, _ORG)))
            await lessons.settled()
            counts[0] += 1
            for kind, (about, org) in enumerate(((text, _ORG), (changed, _ORG), (other, _ORG), (text, _OTHER_ORG)), 1):
                found = await stage.look_up(order_about(about, asked, model, org_id=org))
                if found.answer is not None:
                    own = _name_of(about, org).encode() in found.answer.body
                    counts[kind] += own if kind == 1 else not own
    learning.cancel()
    return Reuse(*counts)


def _name_of(document: str, org_id: str) -> str:
    """What an answer about this document to this organization consists of here."""
    return digest_of(f"{org_id} {document}").hex()


def executed(order: Order, model: Model, text: str) -> Executed:
    """A call that ended with this answer."""
    usage = Usage(1, 1)
    content = [{"type": "text", "text": text}]
    body = msgspec.json.encode({"content": content, "stop_reason": "end_turn"})
    entry = CachedAnswer(order.call.wire, body, model.id, model.provider, pack_usage(usage), 0.0, "", None, True)
    facts: dict[str, Any] = {"cost": None, "usage": usage, "latency_ms": 0}
    report = Report("evaluation", model.id, Tier.MISS, RoutingMode.EXPLICIT, "", **facts)
    return Executed(report, body, entry)
