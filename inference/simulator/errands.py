"""What goes on after an answer was given: batches and answers in the background. A reset ends all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


class Errands:
    """Tasks that nobody waits for, held until they are done."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def clear(self) -> None:
        for task in list(self._tasks):
            task.cancel()
