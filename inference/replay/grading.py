"""Whether an answer is right, by its text alone, and how sure a share of right answers is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from inference.replay.formats import Question

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Grade:
    """`score` is None where the workload records no answers. `is_own` tells a recorded answer of this very question."""

    score: float | None
    is_own: bool


UNGRADED = Grade(None, is_own=True)


def grade_answer(question: Question, text: str) -> Grade:
    """The recorded score of whichever model gave this text; another question's answer, or any other text, scores 0."""
    if not question.answers:
        return UNGRADED
    scores = [recorded.score for recorded in question.answers.values() if recorded.text == text]
    return Grade(min(scores), is_own=True) if scores else Grade(0.0, is_own=False)


def wilson_interval(successes: float, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share. Safe for scores between 0 and 1 too: none vary more than yes and no."""
    share = successes / trials
    z_squared = Z_95 * Z_95
    scale = 1 + z_squared / trials
    centre = (share + z_squared / (2 * trials)) / scale
    spread = Z_95 / scale * math.sqrt(share * (1 - share) / trials + z_squared / (4 * trials * trials))
    return max(0.0, centre - spread), min(1.0, centre + spread)
