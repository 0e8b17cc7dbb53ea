"""The progress bar of a run: one bar a pass, on standard error, so that standard output stays the report's."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from inference.replay.runner import Pass


class ProgressBars:
    """Implements the runner's `Progress` on a terminal; on anything else it prints nothing but the finished bars."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=console,
            refresh_per_second=4,
        )
        self._current: TaskID | None = None

    def __enter__(self) -> ProgressBars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, current: Pass, *, total: int, done: int) -> None:
        name = current.mode.value + (f" #{current.repeat}" if current.repeat > 1 else "")
        self._current = self._bars.add_task(name, total=total, completed=done, note="")

    def advance(self) -> None:
        assert self._current is not None
        self._bars.update(self._current, advance=1, note="")

    def wait(self, seconds: float) -> None:
        assert self._current is not None
        self._bars.update(self._current, note=f"rate limit: waiting {seconds:.0f} s")
