"""A kept response as a stream: at once when it is finished, else as soon as it is.

Events are numbered alike each time, so that a client that lost its connection asks for those after the last it saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import msgspec
import psycopg

from inference.flights import Write
from inference.responses.store import Kept, ResponseStore
from inference.wire.decoding import INVALID
from inference.wire.responses.replay import Writer
from inference.wire.sse import data_of

UNFINISHED = frozenset({"queued", "in_progress"})

_ASKED_EVERY_SECONDS = 0.5
_KEPT_ALIVE_EVERY = 20
_KEEP_ALIVE = b": waiting\n\n"


class _Number(msgspec.Struct):
    sequence_number: int = 0


_number = msgspec.json.Decoder(_Number)


class FollowedStream:
    """See `inference.domain.Stream`."""

    whole = True

    def __init__(self, store: ResponseStore, org_id: str, kept: Kept, *, starting_after: int | None) -> None:
        self._store = store
        self._org_id = org_id
        self._kept = kept
        self._starting_after = -1 if starting_after is None else starting_after

    async def pump(self, write: Write) -> None:
        writer = Writer()
        first = self._wanted(writer.beginning(self._kept.turn.body))
        if self._kept.status in UNFINISHED:
            if first:
                await write(first)
            finished = await self._finished(write)
            if finished is None:
                return  # deleted meanwhile
            first, self._kept = b"", finished
        if events := first + self._wanted(writer.rest(self._kept.turn.body)):
            await write(events)

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _finished(self, write: Write) -> Kept | None:
        waited = 0
        while True:
            await asyncio.sleep(_ASKED_EVERY_SECONDS)
            waited += 1
            with suppress(psycopg.Error):  # Postgres may be away for a while: the client waits, as it did before
                kept = await self._store.find(self._org_id, str(self._kept.turn.body["id"]))
                if kept is None or kept.status not in UNFINISHED:
                    return kept
            if waited % _KEPT_ALIVE_EVERY == 0:
                await write(_KEEP_ALIVE)

    def _wanted(self, events: Iterator[bytes]) -> bytes:
        return b"".join(event for event in events if _number_of(event) > self._starting_after)


def _number_of(event: bytes) -> int:
    try:
        return _number.decode(data_of(event)).sequence_number
    except INVALID:
        return 0
