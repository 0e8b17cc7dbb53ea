"""The decision of T2: which neighbour's answer is served for a question, if any. Pure, and the same everywhere it runs.

Nearest neighbours → similarity floor → guards → gate → thresholds. Cacheability is asked before all that, since it
spares the embedding (`caching.cacheability`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from caching.domain import Decision, Neighbour, Outcome, Thresholds
from caching.gate import Gate, default_gate, features_of
from caching.guards import align, find_veto, read

NEIGHBOURS = 12
"""How many neighbours the decision wants to see: one to serve, the others to tell how sure it is of that one."""

_SHARPNESS = 25.0
"""By how much a neighbour that is less similar counts less: at .1 less, a twelfth."""

_TRIED = 3

_CAUTION = 5.0
"""Log-odds taken off for full doubt when certainty is what calibration asks about: in a cache of many entries, what the
others say tells more than similarity does."""

DEFAULT = Thresholds(floor=0.60, verify=0.60, accept=0.82)

BY_TASK = {
    "code": Thresholds(floor=0.70, verify=0.82, accept=0.90, strict=True),
    "math": Thresholds(floor=0.70, verify=0.82, accept=0.90, strict=True),
    "reasoning": Thresholds(floor=0.70, verify=0.82, accept=0.88, strict=True),
    "extraction": Thresholds(floor=0.70, verify=0.82, accept=0.90, strict=True),
    "translation": Thresholds(floor=0.80, verify=0.85, accept=0.925, strict=True),
    "creative": Thresholds(floor=0.80, verify=0.85, accept=0.925, strict=True),
}
"""Where a mismatch costs more than a call: a number, a line of code or a phrase is wrong as soon as a word differs, and
who asks for something creative does not want what another got."""


_UNPROVEN = 0.92
"""What is accepted of an embedder whose similarities the gate was not trained on, before it is calibrated: a question
that differs by no more than a letter or a full stop (a similarity of about .96)."""


def thresholds_for(task: str, *, proven: bool = True) -> Thresholds:
    """Where an organization starts for a type of task, before it is calibrated on what it sees. `proven`: the gate was
    trained on the similarities of the embedder in use. Of any other one a similarity says little, until there are
    labels; the floor stays, so that there will be some."""
    thresholds = BY_TASK.get(task, DEFAULT)
    return thresholds if proven else replace(thresholds, accept=max(thresholds.accept, _UNPROVEN))


def decide(
    question: str, neighbours: Sequence[Neighbour], thresholds: Thresholds, gate: Gate | None = None
) -> Decision:
    """What to do with `question`, given the entries nearest to it, the most similar one first.

    When a guard speaks against the nearest entry, the next ones with the very same answer are tried: the answer is
    right for them too, and one of them may ask for it without the difference.
    """
    if not neighbours:
        return Decision(Outcome.MISS, "nothing is cached in this scope")
    best, gate = neighbours[0], gate or default_gate()
    near = [other for other in neighbours if other.answer == best.answer and other.similarity >= thresholds.floor]
    if not near:
        reason = f"the nearest question is not near: {best.similarity:.2f}"
        return Decision(Outcome.MISS, reason, best.similarity, entry=best.entry)
    doubt, refused = doubt_about(neighbours), None
    for neighbour in near[:_TRIED]:
        decision = _decide_about(question, neighbour, doubt, thresholds, gate)
        if not decision.guard:
            return decision
        refused = refused or decision
    assert refused is not None
    return refused


def _decide_about(question: str, entry: Neighbour, doubt: float, thresholds: Thresholds, gate: Gate) -> Decision:
    alignment = align(read(entry.text), read(question))
    features = features_of(alignment, similarity=entry.similarity, doubt=doubt)
    score, certainty = gate.score(features), gate.score(features, caution=_CAUTION)
    veto = find_veto(alignment)
    if veto is not None:
        reason = f"vetoed by {veto.guard}: {veto.detail}"
        return Decision(Outcome.MISS, reason, entry.similarity, score, certainty, veto.guard, entry.entry)
    outcome, said = _judge(score, certainty, thresholds)
    reason = f"{said}: {score:.2f}, similarity {entry.similarity:.2f}"
    return Decision(outcome, reason, entry.similarity, score, certainty, entry=entry.entry)


def doubt_about(neighbours: Sequence[Neighbour]) -> float:
    """How much of the neighbourhood has another answer than the nearest entry, 0 (none) to nearly 1."""
    best = neighbours[0]
    weights = [math.exp(_SHARPNESS * (neighbour.similarity - best.similarity)) for neighbour in neighbours]
    others = sum(
        weight for weight, neighbour in zip(weights, neighbours, strict=True) if neighbour.answer != best.answer
    )
    return others / sum(weights)


def _judge(score: float, certainty: float, thresholds: Thresholds) -> tuple[Outcome, str]:
    if _is_sure(score, certainty, thresholds):
        return Outcome.HIT, "the same question"
    if score >= thresholds.verify:
        return Outcome.VERIFY, "perhaps the same question"
    return Outcome.MISS, "not surely the same question"


def _is_sure(score: float, certainty: float, thresholds: Thresholds) -> bool:
    if thresholds.certain is None:
        return score >= thresholds.accept
    return certainty >= thresholds.certain and (score >= thresholds.accept or not thresholds.strict)
