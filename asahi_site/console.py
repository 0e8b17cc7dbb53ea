"""What a person in front of `make run` sees: every process's lines behind its name, and our own words."""

from __future__ import annotations

import contextlib
import os
import sys

_COLOURS = (36, 33, 32, 35, 34, 31)
_WIDTH = 9


class Console:
    """Writes to standard output, and goes on without it when whoever read it has left."""

    def __init__(self) -> None:
        self._colourful = sys.stdout.isatty()
        self._known: list[str] = []

    def relay(self, name: str, line: str) -> None:
        """One line that a process said."""
        if name not in self._known:
            self._known.append(name)
        label = f"{name:<{_WIDTH}} |"
        if self._colourful:
            colour = _COLOURS[self._known.index(name) % len(_COLOURS)]
            label = f"\x1b[{colour}m{label}\x1b[0m"
        self.say(f"{label} {line}")

    def say(self, text: str) -> None:
        """Something of our own."""
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except (BrokenPipeError, ValueError):
            _forget_reader()


def _forget_reader() -> None:
    """What is left in the buffer would otherwise fail again when the interpreter flushes it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
