"""An answer is graded by its text alone: whose recorded answer it is, and what that was worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.replay.formats import Question, Recorded, ask
from inference.replay.grading import Grade, grade_answer, wilson_interval

QUESTION = Question(ask("2 + 2?"), {"weak": Recorded("5", 0.0), "strong": Recorded("4", 1.0)})


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("4", Grade(1.0, is_own=True)),
        ("5", Grade(0.0, is_own=True)),
        ("7", Grade(0.0, is_own=False)),
        ("", Grade(0.0, is_own=False)),
    ],
)
def test_a_text_has_the_outcome_of_the_model_that_gave_it_and_any_other_is_wrong(text: str, grade: Grade) -> None:
    assert grade_answer(QUESTION, text) == grade


def test_a_text_both_models_gave_counts_as_the_worse_of_the_two() -> None:
    question = Question(ask("?"), {"weak": Recorded("same", 0.0), "strong": Recorded("same", 1.0)})
    assert grade_answer(question, "same") == Grade(0.0, is_own=True)


def test_a_question_without_recorded_answers_is_not_graded() -> None:
    assert grade_answer(Question(ask("?")), "anything") == Grade(None, is_own=True)


def test_the_interval_is_wilsons() -> None:
    assert wilson_interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert wilson_interval(0, 10) == pytest.approx((0.0, 0.2775328), abs=1e-6)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_between_none_and_all(case: tuple[float, int]) -> None:
    successes, trials = case
    low, high = wilson_interval(successes, trials)
    assert 0.0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1.0
