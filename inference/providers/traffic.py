"""What goes to each provider and what comes of it, over the last seconds: the measure of its health, and of how often
calls to it may be repeated.

When a provider fails, every call to it that is repeated makes its trouble larger. So repeats are a small share of the
calls, however many of them fail, and a few more so that a quiet deployment's single call is repeated too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_MOST_LINES = 10_000

Line = tuple[str, str]
"""A provider, and the account it is called with: "" is the deployment's."""


@dataclass(slots=True)
class _Counts:
    calls: int = 0
    retries: int = 0
    failures: int = 0


class _Window:
    """Counts of the current stretch of time, and of the one before it."""

    __slots__ = ("before", "now", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.now = _Counts()
        self.before = _Counts()

    def roll(self, at: float, stretch: float) -> None:
        age = at - self.since
        if age < stretch:
            return
        self.before = self.now if age < 2 * stretch else _Counts()
        self.now = _Counts()
        self.since = at


class Traffic:
    """Counts per provider and account, within `window` seconds or a little less.

    Of the calls in the window, `share` may be repeats, and `reserve` more. A provider is in trouble when of at least
    `telling` calls half or more failed.
    """

    def __init__(
        self,
        *,
        share: float = 0.1,
        reserve: int = 10,
        window: float = 20.0,
        telling: int = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share = share
        self._reserve = reserve
        self._stretch = window / 2
        self._telling = telling
        self._clock = clock
        self._windows: dict[Line, _Window] = {}

    def called(self, line: Line) -> None:
        """A call was made that is no repeat."""
        self._current(line).now.calls += 1

    def may_retry(self, line: Line) -> bool:
        """Whether a call may be repeated now; if so, that is counted."""
        window = self._current(line)
        now, before = window.now, window.before
        if now.retries + before.retries >= self._reserve + self._share * (now.calls + before.calls):
            return False
        now.retries += 1
        return True

    def failed(self, line: Line) -> None:
        """A call or a repeat came to nothing, by the provider's doing."""
        self._current(line).now.failures += 1

    def in_trouble(self, provider: str) -> bool:
        """Whether the deployment's own account with it mostly fails."""
        if (provider, "") not in self._windows:
            return False
        window = self._current((provider, ""))
        tried = sum(counts.calls + counts.retries for counts in (window.now, window.before))
        failed = window.now.failures + window.before.failures
        return tried >= self._telling and 2 * failed >= tried

    def _current(self, line: Line) -> _Window:
        window, at = self._windows.get(line), self._clock()
        if window is None:
            if len(self._windows) >= _MOST_LINES:
                self._windows.pop(next(iter(self._windows)))
            window = self._windows[line] = _Window(at)
        window.roll(at, self._stretch)
        return window
