"""A circuit breaker for each provider: after a run of failures it is left alone for a while, then tried by one call."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _State:
    failures: int = 0
    open_until: float = 0.0


class Breakers:
    """Closed: calls pass. Open after `threshold` failures in a row: calls are refused for `cooldown` seconds, then one
    passes as a probe; its success closes the breaker, its failure opens it again."""

    def __init__(
        self, *, threshold: int = 5, cooldown: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._threshold = threshold
        self._cooldown = cooldown
        self._clock = clock
        self._states: dict[str, _State] = {}

    def passes(self, provider: str) -> bool:
        """Whether this call may be made. Taking the probe's place keeps others out until it has ended."""
        state = self._states.get(provider)
        if state is None or state.failures < self._threshold:
            return True
        if self._clock() < state.open_until:
            return False
        state.open_until = self._clock() + self._cooldown
        return True

    def is_open(self, provider: str) -> bool:
        """Whether the provider is being left alone, without taking the probe's place."""
        state = self._states.get(provider)
        return state is not None and state.failures >= self._threshold and self._clock() < state.open_until

    def succeeded(self, provider: str) -> None:
        self._states.pop(provider, None)

    def failed(self, provider: str) -> None:
        state = self._states.setdefault(provider, _State())
        state.failures += 1
        if state.failures >= self._threshold:
            state.open_until = self._clock() + self._cooldown
