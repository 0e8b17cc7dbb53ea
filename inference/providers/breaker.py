"""A circuit breaker for each model: after a run of failures it is left alone for a while, then tried by one call.

Each model of a provider has its own, named by the model's id: what one caller's requests do to one model is no reason
to refuse everybody the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_NONE: frozenset[str] = frozenset()


class Breakers:
    """Closed: calls pass. Open after `threshold` failures in a row: calls are refused for `cooldown` seconds, then one
    passes as a probe; its success closes the breaker, its failure opens it again.

    A call that times out may have asked for too much. It counts only when no call of that model succeeded within the
    last `recent` seconds.
    """

    def __init__(
        self,
        *,
        threshold: int = 5,
        cooldown: float = 10.0,
        recent: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._cooldown = cooldown
        self._recent = recent
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._open_until: dict[str, float] = {}
        self._succeeded_at: dict[str, float] = {}

    def passes(self, model: str) -> bool:
        """Whether this call may be made. Taking the probe's place keeps others out until it has ended."""
        if self.is_open(model):
            return False
        if model in self._open_until:
            self._open_until[model] = self._clock() + self._cooldown
        return True

    def is_open(self, model: str) -> bool:
        """Whether the model is being left alone, without taking the probe's place."""
        until = self._open_until.get(model)
        return until is not None and self._clock() < until

    def open_now(self) -> frozenset[str]:
        """The models that are being left alone."""
        if not self._open_until:
            return _NONE
        return frozenset(model for model in self._open_until if self.is_open(model))

    def succeeded(self, model: str) -> None:
        self._succeeded_at[model] = self._clock()
        if model in self._failures:
            del self._failures[model]
            self._open_until.pop(model, None)

    def failed(self, model: str, *, timed_out: bool = False) -> None:
        if timed_out and self._clock() - self._succeeded_at.get(model, float("-inf")) <= self._recent:
            return
        failures = self._failures[model] = self._failures.get(model, 0) + 1
        if failures >= self._threshold:
            self._open_until[model] = self._clock() + self._cooldown
