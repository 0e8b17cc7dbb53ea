"""Fits the gate: weighted logistic regression by Newton's method, the same result every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caching.gate import Gate

_RIDGE = 1.0
_STEPS = 50


@dataclass(frozen=True, slots=True)
class Example:
    """One pair that no guard objects to: its features, whether one answer serves both, its origin and its group.

    Every source weighs what it is said to, however many rows it has. Groups are what cross-validation leaves out.
    """

    features: tuple[float, ...]
    same: bool
    source: str
    group: str


@dataclass(frozen=True, slots=True)
class Validation:
    """How well pairs are ranked that the gate was not trained on: precision at half of the true ones, and loss."""

    precision_at_half: float
    loss: float


def fit_gate(examples: Sequence[Example], weights: dict[str, float]) -> Gate:
    """The gate that fits best. `weights` by source."""
    features, same, importance = _arrays(examples, weights)
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    design = np.column_stack([np.ones(len(features)), (features - mean) / spread])
    penalty = _RIDGE * np.diag([0.0] + [1.0] * features.shape[1])
    found = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        gradient = design.T @ (importance * (same - likely)) - penalty @ found
        curvature = (design * (importance * likely * (1 - likely))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        found = found + step
        if np.abs(step).max() < 1e-9:
            break
    slopes = found[1:] / spread
    return Gate(round(float(found[0] - slopes @ mean), 4), tuple(round(float(slope), 4) for slope in slopes))


def cross_validate(examples: Sequence[Example], weights: dict[str, float], *, folds: int = 5) -> Validation:
    """Groups are dealt to the folds in their order; each fold is scored by a gate that has not seen its groups."""
    groups = sorted({example.group for example in examples})
    fold_of = {group: number % folds for number, group in enumerate(groups)}
    scored: list[tuple[float, Example]] = []
    for fold in range(folds):
        gate = fit_gate([example for example in examples if fold_of[example.group] != fold], weights)
        scored += [(gate.score(example.features), example) for example in examples if fold_of[example.group] == fold]
    _, same, importance = _arrays([example for _, example in scored], weights)
    score = np.array([value for value, _ in scored])
    cut = float(np.median(score[same > 0]))
    accepted = score >= cut
    precision = float((importance * same * accepted).sum() / (importance * accepted).sum())
    clipped = np.clip(score, 1e-6, 1 - 1e-6)
    loss = float(-(importance * (same * np.log(clipped) + (1 - same) * np.log(1 - clipped))).sum() / importance.sum())
    return Validation(round(precision, 4), round(loss, 4))


def _arrays(
    examples: Sequence[Example], weights: dict[str, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    features = np.array([example.features for example in examples], dtype=np.float64)
    same = np.array([example.same for example in examples], dtype=np.float64)
    counts: dict[str, int] = {}
    for example in examples:
        counts[example.source] = counts.get(example.source, 0) + 1
    importance = np.array([weights[example.source] / counts[example.source] for example in examples])
    return features, same, importance * len(examples) / importance.sum()
