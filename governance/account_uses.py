"""When each provider key was last used: noted on the hot path, written now and then."""

from __future__ import annotations

import asyncio
import logging

import psycopg

from governance.principals import Pool

log = logging.getLogger(__name__)

_WRITE_SECONDS = 15.0
_UPDATE = "UPDATE governance_providerkey SET last_used_at = now() WHERE id = ANY(%s)"


class AccountUses:
    """The accounts of organizations that this process used since it last wrote."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._noted: set[str] = set()

    def note(self, account: str) -> None:
        """An account, by its id, was used."""
        self._noted.add(account)

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            await self.write()

    async def write(self) -> None:
        """What cannot be written is tried again: a use is only ever forgotten with its process."""
        used, self._noted = self._noted, set()
        if not used:
            return
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_UPDATE, (list(used),))
        except psycopg.Error as error:
            self._noted |= used
            log.warning("provider_keys.use_not_written", extra={"error": type(error).__name__})
