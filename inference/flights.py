"""Single-flight: identical calls of one organization, in flight at the same time, share one upstream call.

A `Flight` is the place where identical calls meet; the first to board leads. Its `Execution` is the upstream call: a
task of its own that goes on while anyone still wants its answer, and is cancelled when nobody does. Whoever leads may
have it as a stream while it comes; the others wait for its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from caching.domain import CachedAnswer
from inference.domain import Refusal, Report


@dataclass(frozen=True, slots=True)
class Executed:
    """An upstream call that ended. `body` is the whole answer in the call's wire, None if it cannot be given whole;
    `entry` is the same as T1 keeps it, None if it must not be given to anybody else."""

    report: Report
    body: bytes | None
    entry: CachedAnswer | None


Outcome = Executed | Refusal


Write = Callable[[bytes], Awaitable[None]]
"""Sends bytes to a client, waiting while the client is slow."""

_SLOWEST_SECONDS = 5.0
"""How long one client may hold up others who wait for the same answer."""


class Execution:
    """One upstream call and everyone who wants its answer."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Outcome] = loop.create_future()
        self.opened: asyncio.Future[Refusal | Report] = loop.create_future()
        """Resolved when the first byte is there, or when it is certain that none will come. A stream's report is still
        without its cost."""
        self._live: LiveStream | None = None
        self._readers = 0
        self._task: asyncio.Task[None] | None = None

    def launch(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin. `work` pushes what comes and calls `finish`."""
        self._task = asyncio.create_task(work)

    def open(self, report: Report) -> None:
        """The provider has begun to answer: from now on nothing is retried."""
        if not self.opened.done():
            self.opened.set_result(report)

    async def push(self, data: bytes, *, usage_only: bool = False) -> None:
        """Send a piece of the stream. `usage_only` marks an event shown only to a caller who asked for usage."""
        if self._live is None:
            return
        sending = self._live.push(data, usage_only=usage_only)
        if self._readers == 1:
            await sending
            return
        try:
            await asyncio.wait_for(sending, _SLOWEST_SECONDS)
        except TimeoutError:
            await self._live.aclose()

    def finish(self, outcome: Outcome) -> None:
        """The end, however it came. Idempotent: the first outcome stands."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)
        if not self.opened.done():
            self.opened.set_result(outcome if isinstance(outcome, Refusal) else outcome.report)

    def attach(self) -> None:
        self._readers += 1

    def detach(self) -> None:
        """A reader has its answer, or has gone. With nobody left the upstream call is cancelled."""
        self._readers -= 1
        if self._readers <= 0 and self._task is not None and not self.outcome.done():
            self._task.cancel()

    async def whole(self) -> Outcome:
        """The outcome, for a reader that is attached while it waits."""
        self.attach()
        try:
            return await asyncio.shield(self.outcome)
        finally:
            self.detach()

    def stream_live(self, *, include_usage: bool) -> LiveStream:
        """The answer as it comes, for the caller who leads."""
        self._live = LiveStream(self, include_usage=include_usage)
        return self._live

    async def settled(self) -> None:
        """Wait until the task has recorded what it used. For an orderly shutdown."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


class LiveStream:
    """What an execution pushes, on its way to one client. Must be closed.

    Written from the execution's own task: a slow client slows the provider down instead of filling our memory, and no
    second task is woken for each piece.
    """

    def __init__(self, execution: Execution, *, include_usage: bool) -> None:
        self._execution = execution
        self._include_usage = include_usage
        self._early: list[bytes] = []
        self._write: Write | None = None
        self._closed = False
        execution.attach()

    async def push(self, data: bytes, *, usage_only: bool) -> None:
        if self._closed or (usage_only and not self._include_usage):
            return
        if self._write is None:
            self._early.append(data)
            return
        try:
            await self._write(data)
        except OSError:
            await self.aclose()  # the client went away; whether the call goes on is for those who are left

    async def pump(self, write: Write) -> None:
        """Returns when the whole stream is written."""
        while self._early:
            early, self._early = self._early, []
            await write(b"".join(early))
        self._write = write
        await asyncio.shield(self._execution.outcome)

    async def aclose(self) -> None:
        """Detach. Idempotent, and safe when nothing was ever pumped."""
        if not self._closed:
            self._closed = True
            self._execution.detach()


class Flight:
    """Where identical calls meet until their upstream call has begun, and while it runs."""

    def __init__(self) -> None:
        self._launched: asyncio.Future[Execution | None] = asyncio.get_running_loop().create_future()

    def launch(self, execution: Execution) -> None:
        self._launched.set_result(execution)

    def abandon(self) -> bool:
        """The leader will not call upstream: it was refused, or a cache had the answer. False once it has launched."""
        if self._launched.done():
            return False
        self._launched.set_result(None)
        return True

    async def launched(self) -> Execution | None:
        """The upstream call to share; None when each must see for itself."""
        return await asyncio.shield(self._launched)


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a flight; `leads` is True for the call that will go upstream for all."""

    flight: Flight
    leads: bool


class Flights:
    """The flights of one process, by T1 key, and every execution that is still running."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._running: set[Execution] = set()

    def board(self, key: str | None) -> Seat:
        """Join the flight of this key, or open one. Without a key nothing is shared."""
        if key is None:
            return Seat(Flight(), leads=True)
        flight = self._flights.get(key)
        if flight is not None:
            return Seat(flight, leads=False)
        flight = self._flights[key] = Flight()
        return Seat(flight, leads=True)

    def leave(self, key: str | None, seat: Seat) -> None:
        """The leader is done with its seat: if it never called upstream, the others must see for themselves."""
        if seat.flight.abandon():
            self._close(key, seat.flight)

    def take_off(self, key: str | None, seat: Seat, execution: Execution) -> None:
        """The leader's upstream call begins; the flight closes when it ends."""
        self._running.add(execution)

        def land(_: asyncio.Future[Outcome]) -> None:
            self._running.discard(execution)
            self._close(key, seat.flight)

        execution.outcome.add_done_callback(land)
        seat.flight.launch(execution)

    async def drain(self) -> None:
        """At shutdown: cancel what still runs and wait until all of it is recorded."""
        running = list(self._running)
        for execution in running:
            execution.detach()
        await asyncio.gather(*(execution.settled() for execution in running))

    def _close(self, key: str | None, flight: Flight) -> None:
        if key is not None and self._flights.get(key) is flight:
            del self._flights[key]
