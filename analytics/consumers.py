"""The live connection of a dashboard: fresh figures whenever something was recorded for its organization."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError
from django.template.loader import render_to_string

from analytics.dashboard import figures_for
from analytics.live import group_for
from analytics.periods import period_named
from governance.membership import membership_of_session

PUSH_INTERVAL_SECONDS = 1.0
"""However much happens, a dashboard is redrawn no more often than this."""

SIGNED_OUT = 4401
"""The close code after which a browser does not try again."""

TRY_AGAIN = 1013
"""The close code after which it does, later and later."""


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """Sends `{"type": "live.update", "content": <HTML of the figures>}`, first on connecting, then on every change.

    It belongs to the organization its session acted for when it connected. Before every push the session is read
    anew; one that has ended, or acts for another organization by now, closes the connection.
    """

    org_id: UUID
    group: str | None = None
    pushing: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        org_id = await self._org_of_session()
        if org_id is None:
            await self.close(code=SIGNED_OUT)
            return
        self.org_id = org_id
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        self.period = period_named(query.get("range", [""])[0])
        self.changed = asyncio.Event()
        self.changed.set()
        self.group = group_for(org_id)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        self.pushing = asyncio.create_task(self._push_changes())

    async def disconnect(self, code: int) -> None:
        del code
        if self.pushing:
            self.pushing.cancel()
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def live_update(self, event: dict[str, Any]) -> None:
        """Something was recorded for this organization. What it was is read from the ledger, not from the message."""
        del event
        self.changed.set()

    async def _push_changes(self) -> None:
        while True:
            await self.changed.wait()
            self.changed.clear()
            try:
                code = await self._push()
            except DatabaseError:
                code = TRY_AGAIN
            if code is not None:
                await self.close(code=code)
                return
            await asyncio.sleep(PUSH_INTERVAL_SECONDS)

    async def _push(self) -> int | None:
        """Sends the figures as they are now; returns the code to close with when they must not be sent."""
        if await self._org_of_session() != self.org_id:
            return SIGNED_OUT
        content = await database_sync_to_async(self._render)()
        await self.send(text_data=json.dumps({"type": "live.update", "content": content}))
        return None

    async def _org_of_session(self) -> UUID | None:
        session_key = self.scope["session"].session_key
        if not session_key:
            return None
        membership = await database_sync_to_async(membership_of_session)(session_key)
        return membership.org_id if membership else None

    def _render(self) -> str:
        return render_to_string(
            "analytics/_figures.html", {"figures": figures_for(org_id=self.org_id, period=self.period)}
        )
