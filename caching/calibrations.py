"""What all processes together know of each organization's certainty, kept in Postgres.

A process counts what it sees and adds it to what all know every few seconds; between times it decides by what all knew
plus its own counts. Counts only add up, so nobody overwrites anybody.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, field

import psycopg

from caching.calibration import Calibration
from governance.principals import Pool

log = logging.getLogger(__name__)

_FLUSHED_EVERY_SECONDS = 5.0
_BELIEVED_SECONDS = 30.0
_KNOWN_AT_ONCE = 10_000

_READ = "SELECT state FROM caching_calibration WHERE org_id = %s AND task = %s AND embedder = %s"
_LOCK = """
INSERT INTO caching_calibration (org_id, task, embedder, state, changed_at) VALUES (%s, %s, %s, %s, now())
ON CONFLICT (org_id, task, embedder) DO UPDATE SET changed_at = now() RETURNING state
"""
_WRITE = "UPDATE caching_calibration SET state = %s WHERE org_id = %s AND task = %s AND embedder = %s"

Subject = tuple[str, str, str]
"""An organization, a type of task, and the version of the embedder: certainty is not comparable across any of them."""


@dataclass(slots=True)
class _Known:
    """`shared` is what all processes knew at `read_at`; `own` what this one saw since it last told them."""

    shared: Calibration = field(default_factory=Calibration)
    own: Calibration = field(default_factory=Calibration)
    read_at: float = 0.0


class Calibrations:
    """The calibrations of every organization that this process serves; the least used are forgotten once told."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: OrderedDict[Subject, _Known] = OrderedDict()

    async def of(self, subject: Subject) -> Calibration:
        """What is known now. A database that is away is a cold start, which is on the safe side."""
        known = self._known.get(subject)
        if known is None:
            known = self._known[subject] = _Known()
        self._known.move_to_end(subject)
        if known.read_at + _BELIEVED_SECONDS < time.monotonic():
            known.read_at = time.monotonic()
            known.shared = await self._read(subject) or known.shared
        return known.shared.plus(known.own)

    def saw_request(self, subject: Subject, certainty: float | None) -> None:
        """See `Calibration.with_request`."""
        known = self._known.setdefault(subject, _Known())
        known.own = known.own.with_request(certainty)

    def saw_label(self, subject: Subject, certainty: float, *, right: bool) -> None:
        """See `Calibration.with_label`."""
        known = self._known.setdefault(subject, _Known())
        known.own = known.own.with_label(certainty, right=right)

    async def share(self) -> None:
        """Tells and is told, for as long as the process serves."""
        while True:
            await asyncio.sleep(_FLUSHED_EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Adds what this process saw to what all know."""
        for subject, known in list(self._known.items()):
            if known.own.requests or known.own != Calibration():
                try:
                    await self._add(subject, known)
                except (psycopg.Error, OSError) as error:
                    log.warning("calibration.not_shared", extra={"error": type(error).__name__})
                    return
        while len(self._known) > _KNOWN_AT_ONCE:
            self._known.popitem(last=False)

    async def _read(self, subject: Subject) -> Calibration | None:
        try:
            async with self._pool.connection() as connection:
                row = await (await connection.execute(_READ, subject)).fetchone()
        except (psycopg.Error, OSError) as error:
            log.warning("calibration.not_read", extra={"error": type(error).__name__})
            return None
        return None if row is None else Calibration.from_json(bytes(row[0]))

    async def _add(self, subject: Subject, known: _Known) -> None:
        told = known.own
        async with self._pool.connection() as connection, connection.transaction():
            row = await (await connection.execute(_LOCK, (*subject, Calibration().to_json()))).fetchone()
            assert row is not None
            shared = Calibration.from_json(bytes(row[0])).plus(told)
            await connection.execute(_WRITE, (shared.to_json(), *subject))
        known.own = known.own.minus(told)
        known.shared, known.read_at = shared, time.monotonic()
