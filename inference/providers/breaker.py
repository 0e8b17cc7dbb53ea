"""A circuit breaker for each model: after a run of failures it is left alone for a while, then tried by one call.

Each model of a provider has its own, named by the model's id: what one caller's requests do to one model is no reason
to refuse everybody the others. An organization's own account has breakers of its own: what is wrong with its key, or
its endpoint, is nobody else's trouble.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_NONE: frozenset[str] = frozenset()
_MOST_REMEMBERED = 50_000

_Line = tuple[str, str]
"""A model's id, and the account it is called with: "" is the deployment's."""


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
        self._failures: dict[_Line, int] = {}
        self._open_until: dict[_Line, float] = {}
        self._succeeded_at: dict[_Line, float] = {}

    def passes(self, model: str, account: str = "") -> bool:
        """Whether this call may be made. Taking the probe's place keeps others out until it has ended."""
        if not self._open_until:
            return True
        if self.is_open(model, account):
            return False
        if (model, account) in self._open_until:
            self._open_until[model, account] = self._clock() + self._cooldown
        return True

    def is_open(self, model: str, account: str = "") -> bool:
        """Whether the model is being left alone, without taking the probe's place."""
        until = self._open_until.get((model, account))
        return until is not None and self._clock() < until

    def open_now(self, account: str = "") -> frozenset[str]:
        """The models that are being left alone."""
        if not self._open_until:
            return _NONE
        return frozenset(model for model, of in self._open_until if of == account and self.is_open(model, of))

    @property
    def all_closed(self) -> bool:
        """True when nothing at all is being left alone, or waits for its probe."""
        return not self._open_until

    def succeeded(self, model: str, account: str = "") -> None:
        line = (model, account)
        if len(self._succeeded_at) >= _MOST_REMEMBERED:
            self._succeeded_at.clear()  # then a call that times out counts once more than it should
        self._succeeded_at[line] = self._clock()
        if line in self._failures:
            del self._failures[line]
            self._open_until.pop(line, None)

    def failed(self, model: str, account: str = "", *, timed_out: bool = False) -> bool:
        """Whether this makes that the model is left alone from now on, or again."""
        line = (model, account)
        if timed_out and self._clock() - self._succeeded_at.get(line, float("-inf")) <= self._recent:
            return False
        if len(self._failures) >= _MOST_REMEMBERED:
            self._forget_oldest()
        failures = self._failures[line] = self._failures.get(line, 0) + 1
        if failures < self._threshold:
            return False
        newly = not self.is_open(model, account)
        self._open_until[line] = self._clock() + self._cooldown
        return newly

    def _forget_oldest(self) -> None:
        """Accounts come and go; what failed longest ago is as good as new."""
        oldest = next(iter(self._failures))
        del self._failures[oldest]
        self._open_until.pop(oldest, None)
