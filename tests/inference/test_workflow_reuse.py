"""T3 gives an answer again only for the same document, to the letter, and the same organization: whatever they are.

Every text is as near as can be to any other here, so that nothing but the scope keeps answers apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caching.calibration import Calibration
from inference.domain import Order, Tier, Wire
from inference.semantic import stage as semantic
from inference.semantic.embedding import Source, Sources
from inference.semantic.learning import Lessons
from inference.semantic.stage import SemanticCache
from inference.stages import Cache
from inference.workflow.documents import find_question, find_question_about_document
from inference.workflow.evaluation.reuse import Cold, MemoryStore, executed
from inference.workflow.evaluation.savings import MemoryPrefixes
from inference.workflow.stage import WorkflowCache
from tests.inference.workflow_orders import BOOK, DOCUMENT, ORG, SONNET, about, order, user

QUESTION = "Who took note of the seventh report?"
OTHER_ORG = "22222222-2222-2222-2222-222222222222"
PIECES = ["Question: why?", "Q: who?\n", "\n\n", "A: he.", "Is it so?", "Then he left.\n"]
TEXTS = st.one_of(st.text(max_size=400), st.lists(st.sampled_from(PIECES)).map("".join))
WAYS = {
    "one message": lambda text: about(text, QUESTION),
    "two messages": lambda text: [user(text), {"role": "assistant", "content": "Noted."}, user(QUESTION)],
    "unlabelled": lambda text: [user(f"{text}\n\n{QUESTION}")],
}


class SameEverywhere:
    name = version = "same"
    dimensions = 4

    async def embed(self, texts: Sequence[str]) -> Any:
        return np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (len(texts), 1))


async def first_then(asked: Order, *others: Order) -> list[bool]:
    """Whether each of the others is answered with what the first was."""
    cold: Any = Cold()
    store, embedder = MemoryStore(), SameEverywhere()
    lessons = Lessons(store, embedder, cold, ttl_seconds=60)
    t2, answers = (
        SemanticCache(store, Sources(Source(embedder, 5.0)), cold, lessons, tier=tier, find=find)
        for tier, find in ((Tier.T2, find_question), (Tier.T3, find_question_about_document))
    )
    tiers: list[Cache] = [t2, WorkflowCache(MemoryPrefixes(), BOOK, answers)]
    working = asyncio.create_task(lessons.run())
    for tier in tiers:
        looked = await tier.look_up(asked)
        if looked.learn is not None:
            looked.learn(executed(looked.order, SONNET, "An answer."))
    await lessons.settled()
    found = [[(await tier.look_up(other)).answer is not None for tier in tiers] for other in others]
    working.cancel()
    return [any(hits) for hits in found]


def run(asked: Order, *others: Order) -> list[bool]:
    return asyncio.run(first_then(asked, *others))


@pytest.fixture(autouse=True, scope="module")
def never_unlucky() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(semantic, "_luck_of", lambda _: 0.999)
        patch.setattr(Calibration, "threshold", lambda *_: 0.0)
        yield


@pytest.mark.parametrize("way", WAYS)
def test_the_same_question_about_the_same_document_is_answered_again(way: str) -> None:
    asked = order(WAYS[way](DOCUMENT))
    assert run(asked, asked) == [True]


@settings(max_examples=120, deadline=None)
@given(
    text=TEXTS,
    place=st.integers(0, 10**6),
    change=st.sampled_from(["#", "", "x\n", "?"]),
    way=st.sampled_from(list(WAYS)),
)
def test_one_changed_character_of_any_document_is_another_document(
    text: str, place: int, change: str, way: str
) -> None:
    document = DOCUMENT + text
    at = place % len(document)
    changed = document[:at] + change + document[at + 1 :]
    if changed != document:
        assert run(order(WAYS[way](document)), order(WAYS[way](changed))) == [False]


@settings(max_examples=60, deadline=None)
@given(text=TEXTS, way=st.sampled_from(list(WAYS)), question=TEXTS)
def test_two_organizations_never_share_an_answer(text: str, way: str, question: str) -> None:
    turns = WAYS[way](DOCUMENT + text)
    turns = [*turns[:-1], user(f"{turns[-1]['content']}{question}")]
    asked = order(turns)
    assert run(asked, order(turns, org_id=OTHER_ORG)) == [False]
    assert asked.principal.org_id == ORG


@pytest.mark.parametrize(
    "other",
    [
        {"intent": "model=y"},
        {"system": "Be brief."},
        {"temperature": 0.5},
        {"wire": Wire.CHAT},
    ],
)
def test_anything_else_that_differs_is_another_scope(other: dict[str, Any]) -> None:
    turns = about(DOCUMENT, QUESTION)
    assert run(order(turns), order(turns, **other)) == [False]


def test_a_text_in_the_message_that_cannot_be_told_from_the_question_is_never_compared() -> None:
    letter = [user(f"Is this letter polite?\n\n{'Dear Sir, we regret it. ' * 20}")]
    changed = [user(f"Is this letter polite?\n\n{'Dear Sir, we regret it. ' * 19}Dear Sir, we regret us. ")]
    assert run(order(letter), order(letter), order(changed)) == [False, False]
