"""Single-flight: identical calls of one organization, in flight at the same time, share one upstream call.

A `Flight` is the place where identical calls meet; the first to board leads. Its `Execution` is the upstream call: a
task of its own that goes on while anyone still wants its answer, and is cancelled when nobody does. Whoever leads may
have it as a stream while it comes; the others wait for its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from caching.domain import CachedAnswer
from inference.domain import Refusal, Report, Tier


@dataclass(frozen=True, slots=True)
class Executed:
    """An upstream call that ended. `body` is the whole answer in the call's wire, None if it cannot be given whole;
    `entry` is the same as a cache holds it, None if it must not be given to anybody else."""

    report: Report
    body: bytes | None
    entry: CachedAnswer | None


Outcome = Executed | Refusal


Write = Callable[[bytes], Awaitable[None]]
"""Sends bytes to a client, waiting while the client is slow."""

_STALLED_SECONDS = 20.0
"""How long a client may take nothing of its stream before it is given up: it holds the provider's connection."""


class ClientStalled(Exception):  # noqa: N818 - named as what happened
    """The client took nothing for too long; its connection is to be closed."""


class Execution:
    """One upstream call and everyone who wants its answer.

    Only the call itself can be cancelled. Once it has ended, however it did, what it used is recorded undisturbed.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Outcome] = loop.create_future()
        self.opened: asyncio.Future[Refusal | Report] = loop.create_future()
        """Resolved when the first byte is there, or when it is certain that none will come. A stream's report is still
        without its cost."""
        self._live: LiveStream | None = None
        self._readers = 0
        self._task: asyncio.Task[None] | None = None
        self._calling = True

    def launch(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin. `work` pushes what comes, says when the call has ended, and calls `finish`."""
        self._task = asyncio.create_task(work)

    def open(self, report: Report) -> None:
        """The provider has begun to answer: from now on nothing is retried."""
        if not self.opened.done():
            self.opened.set_result(report)

    async def push(self, data: bytes, *, usage_only: bool = False) -> None:
        """Send a piece of the stream. `usage_only` marks an event shown only to a caller who asked for usage."""
        if self._live is not None:
            await self._live.push(data, usage_only=usage_only)

    def call_ended(self) -> None:
        """From now on nothing is cancelled."""
        self._calling = False

    def finish(self, outcome: Outcome) -> None:
        """The answer is recorded: everyone who waits for it may have it. Idempotent: the first outcome stands."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)
        if not self.opened.done():
            self.opened.set_result(outcome if isinstance(outcome, Refusal) else outcome.report)

    def close_stream(self) -> None:
        """Nothing more will be pushed."""
        if self._live is not None:
            self._live.complete()

    def attach(self) -> None:
        self._readers += 1

    def detach(self) -> None:
        """A reader has its answer, or has gone. With nobody left the upstream call is cancelled."""
        self._readers -= 1
        if self._readers <= 0:
            self.cancel_call()

    def cancel_call(self) -> None:
        """Stop the provider, if the call still runs. Idempotent."""
        if self._calling and self._task is not None:
            self._calling = False
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
    second task is woken for each piece. A client that takes nothing at all is given up.
    """

    def __init__(self, execution: Execution, *, include_usage: bool) -> None:
        self._execution = execution
        self._include_usage = include_usage
        self._early: list[bytes] = []
        self._write: Write | None = None
        self._complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed = False
        execution.attach()

    async def push(self, data: bytes, *, usage_only: bool) -> None:
        if self._closed or (usage_only and not self._include_usage):
            return
        if self._write is None:
            self._early.append(data)
            return
        try:
            async with asyncio.timeout(_STALLED_SECONDS):
                await self._write(data)
        except TimeoutError:
            self._give_up(ClientStalled())
        except OSError as error:
            self._give_up(error)

    @property
    def whole(self) -> bool:
        """Whether the answer came to its proper end; known once it was pumped."""
        outcome = self._execution.outcome
        if not outcome.done():
            return False
        ended = outcome.result()
        return isinstance(ended, Executed) and ended.body is not None

    async def pump(self, write: Write) -> None:
        """Returns when the whole stream is written. Raises ClientStalled when the client has to be cut off."""
        while self._early:
            early, self._early = self._early, []
            await write(b"".join(early))
        self._write = write
        await self._complete

    def complete(self) -> None:
        if not self._complete.done():
            self._complete.set_result(None)

    async def aclose(self) -> None:
        """Detach. Idempotent, and safe when nothing was ever pumped."""
        self.complete()
        if not self._closed:
            self._closed = True
            self._execution.detach()

    def _give_up(self, error: Exception) -> None:
        """Whether the call goes on is for those who are left."""
        if not self._complete.done():
            self._complete.set_exception(error)
        if not self._closed:
            self._closed = True
            self._execution.detach()


@dataclass(frozen=True, slots=True)
class Spared:
    """A cache of answers by meaning had one for the leader, and so has it for all. `notes` and `evidence` say why."""

    answer: CachedAnswer
    tier: Tier
    reason: str
    notes: Mapping[str, str]
    evidence: Mapping[str, Mapping[str, Any]]


class Flight:
    """Where identical calls meet until their upstream call has begun, and while it runs."""

    def __init__(self) -> None:
        self._launched: asyncio.Future[Execution | Spared | None] = asyncio.get_running_loop().create_future()

    def launch(self, execution: Execution) -> None:
        self._launched.set_result(execution)

    def spare(self, spared: Spared) -> None:
        """No upstream call is needed."""
        self._launched.set_result(spared)

    def abandon(self) -> bool:
        """The leader will not call upstream: it was refused, or T1 had the answer. False once it has launched."""
        if self._launched.done():
            return False
        self._launched.set_result(None)
        return True

    async def launched(self) -> Execution | Spared | None:
        """The upstream call, or the answer, to share; None when each must see for itself."""
        return await asyncio.shield(self._launched)


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a flight; `leads` is True for the call that will go upstream for all. Without a `key` nobody joins."""

    key: str | None
    flight: Flight
    leads: bool


class Flights:
    """The flights of one process, by T1 key, and every execution that is still running."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._running: set[Execution] = set()

    def board(self, key: str | None) -> Seat:
        """Join the flight of this key, or open one. Without a key nothing is shared."""
        flight = None if key is None else self._flights.get(key)
        if flight is not None:
            return Seat(key, flight, leads=False)
        flight = Flight()
        if key is not None:
            self._flights[key] = flight
        return Seat(key, flight, leads=True)

    def leave(self, seat: Seat) -> None:
        """The leader is done with its seat: if it never called upstream, the others must see for themselves."""
        if seat.flight.abandon():
            self._close(seat)

    def spare(self, seat: Seat, spared: Spared) -> None:
        """The leader has its answer without an upstream call, and so have those who wait."""
        seat.flight.spare(spared)
        self._close(seat)

    def take_off(self, seat: Seat, execution: Execution) -> None:
        """The leader's upstream call begins; the flight closes when its answer is there."""
        self._running.add(execution)

        def land(_: asyncio.Future[Outcome]) -> None:
            self._running.discard(execution)
            self._close(seat)

        execution.outcome.add_done_callback(land)
        seat.flight.launch(execution)

    async def drain(self) -> None:
        """At shutdown: cancel what still runs and wait until all of it is recorded."""
        running = list(self._running)
        for execution in running:
            execution.cancel_call()
        await asyncio.gather(*(execution.settled() for execution in running))

    def _close(self, seat: Seat) -> None:
        if seat.key is not None and self._flights.get(seat.key) is seat.flight:
            del self._flights[seat.key]
