"""The recorder: moves events from the stream and the spool into the ledger, bills orphans, and tells who must know.

It is a handful of chores, each with its own rhythm and backoff, so that Postgres or Redis being away stops only the
chores that need it. Any number of recorders may run: each entry goes to one of them, and what is recorded twice counts
once. An entry leaves the stream only after its rows are committed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import redis

from analytics import ids, orphans, partitions, recording, spool
from analytics.chores import Chore
from analytics.intake import Entry
from analytics.live import FLUSH_SECONDS, LiveFeed
from analytics.recording import Batch, Poison
from analytics.spend import SpendTeller
from analytics.stream import ABANDONED_AFTER_MS, EventStream
from governance.signs_of_life import show_life

logger = logging.getLogger(__name__)

BLOCK_MS = 200
PAUSE_SECONDS = 0.1
"""Between two reads that found less than a batch: a few larger transactions cost less than many small ones."""

FAREWELL_SECONDS = 10.0


class Recorder:
    """One recorder process."""

    def __init__(
        self, *, stream: EventStream, teller: SpendTeller, feed: LiveFeed, batch_size: int, lease_seconds: float
    ) -> None:
        self._stream = stream
        self._teller = teller
        self._feed = feed
        self._batch_size = batch_size
        self._lease_seconds = lease_seconds
        self._in_hand: list[Entry] = []
        self._stopping = threading.Event()
        self._chores = (
            Chore("partitions", partitions.ensure_partitions, every=3600),
            Chore("stream", self.record_stream, every=PAUSE_SECONDS),
            Chore("spool", self.record_spool, every=1),
            Chore("claim", self.record_abandoned, every=3),
            Chore("sweep", self.bill_orphans, every=2),
            Chore("tell", self._teller.tell, every=0.5),
            Chore("tell_all", self._teller.note_spenders, every=300),
            Chore("live", self._feed.flush, every=FLUSH_SECONDS),
            Chore("sign_of_life", partial(show_life, "recorder"), every=10),
        )

    def stop(self) -> None:
        """Finish what is there, then return from `run`. May be called from a signal handler or another thread."""
        self._stopping.set()

    def run(self) -> None:
        """Record until `stop`."""
        while not self._stopping.is_set():
            for chore in self._chores:
                chore.do_if_due()
            next_due = min(chore.due_at for chore in self._chores)
            self._stopping.wait(max(0.0, next_due - time.monotonic()))
        self._say_farewell()

    def record_stream(self, block_ms: int | None = BLOCK_MS) -> bool:
        """Record the next entries of the stream. What could not be written stays in hand and is tried again."""
        if not self._in_hand:
            self._in_hand = self._stream.read(self._batch_size, block_ms=block_ms)
        entries = self._in_hand
        if entries:
            batch = self._write(entries)
            self._in_hand = []
            self._settle(entries, batch)
        return len(entries) == self._batch_size

    def record_abandoned(self, idle_ms: int = ABANDONED_AFTER_MS) -> bool:
        """Record what a recorder that died had read."""
        entries = self._stream.claim_abandoned(self._batch_size, idle_ms=idle_ms)
        if entries:
            self._settle(entries, self._write(entries))
        return len(entries) == self._batch_size

    def record_spool(self) -> bool:
        """Record what the gateway wrote to Postgres while the stream was away."""
        batch = spool.drain(self._batch_size, bury=self._bury_spooled)
        self._announce(batch)
        return len(batch.settled) == self._batch_size

    def bill_orphans(self) -> None:
        """Bill dead processes' calls, unless one's usage may still wait somewhere to be recorded."""
        patience = self._lease_seconds / 2
        age = self._stream.oldest_age_seconds()
        if (age or 0.0) > patience or spool.holds_older_than(patience):
            return
        billed = orphans.sweep(self._lease_seconds)
        self._teller.note((entry.org_id, ids.from_uuid(entry.request_id)) for entry in billed)
        self._feed.collect(billed)
        if billed:
            logger.warning("orphans.billed", extra={"count": len(billed)})

    def _write(self, entries: Sequence[Entry]) -> Batch:
        batch = recording.write(entries)
        self._announce(batch)
        return batch

    def _announce(self, batch: Batch) -> None:
        self._feed.collect(batch.written)
        self._teller.note(batch.settled)

    def _settle(self, entries: Sequence[Entry], batch: Batch) -> None:
        """Take a written batch out of the stream. Poison goes last: failing to bury it must not hold up the rest."""
        try:
            self._teller.tell()
        except redis.RedisError as error:
            logger.warning("spend.not_told", extra={"reason": str(error)[:300]})  # still noted: its own chore retries
        senseless = {poison.entry.id for poison in batch.poison}
        self._stream.finish(entry for entry in entries if entry.id not in senseless)
        for poison in batch.poison:
            self._stream.bury(poison.entry, poison.reason)
            _report(poison)

    def _bury_spooled(self, poison: Poison) -> bool:
        try:
            self._stream.bury(poison.entry, poison.reason, in_stream=False)
        except redis.RedisError:
            return False  # it stays in the spool until there is somewhere to bury it
        _report(poison)
        return True

    def _say_farewell(self) -> None:
        """Record what has arrived by now. What cannot be had in time is left to another recorder, or the next start."""
        deadline = time.monotonic() + FAREWELL_SECONDS
        last_acts: tuple[tuple[str, Callable[[], bool | None]], ...] = (
            ("stream", lambda: self.record_stream(block_ms=None)),
            ("spool", self.record_spool),
            ("tell", self._teller.tell),
            ("live", self._feed.flush),
            ("leave", self._stream.leave),
        )
        for name, action in last_acts:
            chore = Chore(name, action, every=FAREWELL_SECONDS)
            while time.monotonic() < deadline and chore.due_at <= time.monotonic():
                chore.do()


def _report(poison: Poison) -> None:
    logger.error("event.buried", extra={"entry": poison.entry.id, "reason": poison.reason})
