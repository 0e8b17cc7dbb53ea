"""The learned gate: how surely two questions that no guard keeps apart want the same answer, from 0 to 1.

A logistic model over a few features, trained by `manage.py train_gate` and shipped as `gate.json`. Few features on
purpose: with many it learns the manners of its training data, and ranks unseen kinds of questions worse than cosine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from caching.guards.alignment import Alignment

FEATURES = ("similarity", "doubt", "trigrams")


@dataclass(frozen=True, slots=True)
class Gate:
    """Weights by feature, and the bias."""

    bias: float
    weights: tuple[float, ...]

    def score(self, features: Sequence[float], *, caution: float = 0.0) -> float:
        """The probability that one answer serves both. `caution` is further weight against doubt."""
        total = self.bias + sum(weight * value for weight, value in zip(self.weights, features, strict=True))
        total -= caution * features[FEATURES.index("doubt")]
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def features_of(alignment: Alignment, *, similarity: float, doubt: float) -> tuple[float, ...]:
    """What the gate looks at, in the order of FEATURES.

    Words in common make any two texts similar, so what similarity is worth depends on how much of it they explain.
    """
    shared = _share(_trigrams(alignment.cached.text), _trigrams(alignment.asked.text))
    return similarity, doubt, shared


@cache
def default_gate() -> Gate:
    """The gate that ships."""
    return read_gate(json.loads(Path(__file__).with_name("gate.json").read_text()))


def read_gate(data: Mapping[str, object]) -> Gate:
    """A gate from its JSON. Raises ValueError for one that was trained on other features."""
    weights = data.get("weights")
    bias = data.get("bias")
    if not isinstance(weights, Mapping) or tuple(weights) != FEATURES or not isinstance(bias, float):
        raise ValueError("this gate was trained on other features: run train_gate")
    return Gate(bias, tuple(float(value) for value in weights.values()))


@lru_cache(maxsize=8192)
def _trigrams(text: str) -> frozenset[str]:
    padded = f" {' '.join(text.lower().split())} "
    return frozenset(padded[start : start + 3] for start in range(len(padded) - 2))


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    joined = len(one | other)
    return len(one & other) / joined if joined else 1.0
