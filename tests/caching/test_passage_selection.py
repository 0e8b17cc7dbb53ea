"""Choosing passages by words and by meaning, within a budget; the risk that is stated was measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caching.workflow.selection import choose, evidence_kept, measured_risk

PASSAGES = [f"The weather on day {n} was as usual and nobody complained about it.\n" for n in range(20)]
PASSAGES[7] = "The budget of the museum was raised to four million crowns after a vote.\n"


def test_the_passage_that_has_the_words_of_the_question_is_chosen() -> None:
    assert 7 in choose("How much is the museum's budget?", PASSAGES, 0.1)


def test_the_passage_that_means_the_same_is_chosen_without_any_of_its_words() -> None:
    vectors = np.zeros((20, 4), dtype=np.float32)
    vectors[12] = (1, 0, 0, 0)
    chosen = choose("Zzz?", PASSAGES, 0.1, question_vector=vectors[12], vectors=vectors)
    assert 12 in chosen


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=30), st.text(max_size=40), st.floats(0.05, 0.9))
def test_no_more_than_the_budget_is_read_but_always_something(texts: list[str], question: str, budget: float) -> None:
    chosen = choose(question, texts, budget)
    assert chosen == sorted(set(chosen))
    assert chosen
    read = sum(len(texts[place]) for place in chosen)
    assert len(chosen) == 1 or read <= budget * sum(map(len, texts)) + max(map(len, texts))


def test_more_is_kept_of_a_larger_share() -> None:
    shares = [kept for _, kept in measured_risk()]
    assert shares == sorted(shares)


@pytest.mark.parametrize(("budget", "like"), [(0.05, None), (0.1, 0.1), (0.29, 0.2), (0.9, 0.7)])
def test_the_risk_of_a_budget_is_that_of_the_next_lower_one_that_was_measured(
    budget: float, like: float | None
) -> None:
    assert evidence_kept(budget) == dict(measured_risk()).get(like or 0.0)
