"""T2's stage: what becomes of a doubtful neighbour, and of a vector that came too late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from caching.calibration import Calibration
from caching.domain import Embedded, EmbeddingError, StoreError
from inference.domain import Order, Tier
from inference.semantic.embedding import Source, Sources
from inference.semantic.learning import Lessons
from inference.semantic.stage import SemanticCache
from inference.semantic.verifier import Verdict
from inference.stages import Looked
from inference.workflow.documents import find_question
from inference.workflow.evaluation.reuse import Cold, MemoryStore, executed
from tests.inference.workflow_orders import SONNET, order, user

ASKED, AGAIN = "How do I reset the password of my account?", "How can I reset my account password?"
ANSWER = "Open the settings."


class Paid:
    """A paid embedder that sees one similarity between any two texts, and answers when it is let."""

    name = version = "paid"
    dimensions = 2

    def __init__(self, similarity: float = 0.85) -> None:
        self.similarity = similarity
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.known: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Any:
        return (await self.embed_metered(texts)).vectors

    async def embed_metered(self, texts: Sequence[str]) -> Embedded:
        await self.may_answer.wait()
        if texts[0] not in self.known:
            self.known.append(texts[0])
        angle = 0.0 if texts[0] == self.known[0] else float(np.arccos(self.similarity))
        return Embedded(np.array([[np.cos(angle), np.sin(angle)]], dtype=np.float32), 7)

    async def aclose(self) -> None:
        """Nothing is held."""


class Broken(Paid):
    async def embed_metered(self, texts: Sequence[str]) -> Embedded:
        raise EmbeddingError("no")


class Judge:
    """A verifier that says one thing."""

    model = SONNET

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked: list[tuple[str, str]] = []

    async def compare(self, first: str, second: str) -> Verdict:
        self.asked.append((first, second))
        return self.verdict


class Labels(Cold):
    """Calibrations that remember what they were taught."""

    def __init__(self) -> None:
        self.labels: list[bool] = []

    def saw_label(self, subject: Any, certainty: float, *, right: bool) -> None:
        self.labels.append(right)


def about(text: str) -> Order:
    return order([user(text)])


class Told:
    """T2 with everything around it in this process."""

    def __init__(self, embedder: Paid, verdict: Verdict | None = None, *, patience: float = 5.0) -> None:
        self.store, self.labels, self.embedder = MemoryStore(), Labels(), embedder
        self.judge = None if verdict is None else Judge(verdict)
        calibrations: Any = self.labels
        verifier: Any = self.judge
        self.lessons = Lessons(self.store, embedder, calibrations, ttl_seconds=60)
        source = Source(embedder, patience, model="paid-model", price_of=lambda tokens: 10 * tokens, proven=False)
        sources = Sources(source, source)
        self.cache = SemanticCache(
            self.store, sources, calibrations, self.lessons, tier=Tier.T2, find=find_question, verifier=verifier
        )

    async def ask(self, asked: Order) -> Looked:
        """Answered by a provider and learned, unless T2 knows it."""
        looked = await self.cache.look_up(asked)
        if looked.learn is not None:
            looked.learn(executed(looked.order, SONNET, ANSWER))
        return looked


async def tell(told: Told, *questions: str | Order) -> list[Looked]:
    learning = asyncio.create_task(told.lessons.run())
    looked = []
    for question in questions:
        looked.append(await told.ask(about(question) if isinstance(question, str) else question))
        await told.lessons.settled()
    learning.cancel()
    return looked


@pytest.fixture(autouse=True)
def nothing_is_sent_on_to_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Calibration, "explores", lambda *_: False)


YES = Verdict(True, "verified to be the same question", spent_nano=500, tokens=90)


async def test_a_verified_neighbour_is_served_with_the_reason_and_the_cost() -> None:
    told = Told(Paid(), YES)
    _, again = await tell(told, ASKED, AGAIN)
    assert again.answer is not None
    assert again.reason.startswith(f"verified to be the same question ({SONNET.id})")
    assert told.judge is not None
    assert told.judge.asked == [(ASKED, AGAIN)]
    assert again.order.own_spend_nano == 70 + 500
    assert again.order.evidence["embedding"] == {"model": "paid-model", "tokens": 7, "own_spend_nano": 70}
    assert again.order.evidence["verifier"] == {"model": SONNET.id, "tokens": 90, "own_spend_nano": 500}


async def test_a_no_is_a_miss_that_says_so_and_costs_the_same() -> None:
    told = Told(Paid(), Verdict(False, "the verifier tells them apart", 500, 90, estimated=True))
    _, again = await tell(told, ASKED, AGAIN)
    assert again.answer is None
    assert "the verifier tells them apart" in again.order.notes["t2"]
    assert again.order.own_spend_nano == 570
    assert again.order.evidence["verifier"]["estimated"] is True


async def test_without_a_verifier_what_is_doubtful_is_a_miss() -> None:
    _, again = await tell(Told(Paid()), ASKED, AGAIN)
    assert again.answer is None
    assert again.order.notes["t2"].startswith("perhaps the same question")


async def test_a_verdict_is_paid_though_the_answer_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(Paid(), YES)
    await tell(told, ASKED)

    async def away(*_: Any) -> Any:
        raise StoreError("away")

    monkeypatch.setattr(told.store, "answer", away)
    again = await told.ask(about(AGAIN))
    assert again.answer is None
    assert again.order.notes["t2"].startswith("left out")
    assert again.order.own_spend_nano == 570


async def test_its_yes_is_no_label() -> None:
    told = Told(Paid(), YES)
    await tell(told, ASKED, AGAIN)
    assert told.labels.labels == []


async def test_an_organization_that_does_not_allow_the_model_is_not_verified() -> None:
    told = Told(Paid(), YES)
    asked = about(AGAIN)
    policy = replace(asked.principal.policy, denied_models=frozenset({SONNET.id}))
    denied = replace(asked, principal=replace(asked.principal, policy=policy))
    _, again = await tell(told, ASKED, denied)
    assert again.answer is None
    assert told.judge is not None
    assert told.judge.asked == []


@pytest.mark.parametrize("text", ["How do I not reset the password of my account?", "How do I reset 3 passwords?"])
async def test_what_a_guard_tells_apart_is_never_asked_about(text: str) -> None:
    told = Told(Paid(0.95), YES)
    _, again = await tell(told, ASKED, text)
    assert again.answer is None
    assert told.judge is not None
    assert told.judge.asked == []


@pytest.mark.parametrize(("similarity", "hit"), [(0.99, True), (0.93, False), (0.89, False)])
async def test_an_embedder_that_was_not_measured_serves_only_what_is_almost_equal(similarity: float, hit: bool) -> None:
    _, again = await tell(Told(Paid(similarity)), ASKED, "How do I reset the password to my account?")
    assert (again.answer is not None) is hit


async def test_a_vector_that_comes_too_late_is_learned_from_and_paid() -> None:
    told = Told(Paid(1.0), patience=0.01)
    told.embedder.may_answer.clear()
    learning = asyncio.create_task(told.lessons.run())
    late = await told.ask(about(ASKED))
    assert late.order.notes["t2"] == "left out: it did not answer in time"
    assert late.order.evidence["embedding"]["estimated"] is True
    assert late.order.own_spend_nano > 0
    told.embedder.may_answer.set()
    for _ in range(5):
        await asyncio.sleep(0)
    await told.lessons.settled()
    told.cache._left_out_until = 0.0
    assert (await told.ask(about(ASKED))).answer is not None
    learning.cancel()


async def test_a_late_vector_whose_request_failed_or_that_never_comes_teaches_nothing() -> None:
    told = Told(Paid(1.0), patience=0.01)
    told.embedder.may_answer.clear()
    looked = await told.cache.look_up(about(ASKED))
    assert looked.learn is not None
    refused: Any = SimpleNamespace()
    looked.learn(refused)
    told.embedder.may_answer.set()
    await asyncio.sleep(0.01)
    await told.lessons.settled()
    assert told.store._answers == {}


async def test_an_embedder_that_fails_costs_nothing() -> None:
    (failed,) = await tell(Told(Broken()), ASKED)
    assert failed.order.own_spend_nano == 0
    assert failed.order.notes["t2"].startswith("left out")
    assert "embedding" not in failed.order.evidence
