"""Changes that are pushed to every web process: a revoked key, a changed policy. Within a second, or at once forgotten.

While the subscription is down nothing cached is believed for longer than a second; when it is back, all is forgotten,
for what was pushed meanwhile was missed.
"""

from __future__ import annotations

import asyncio
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

from governance.keys import REVOKED_CHANNEL
from governance.policies import POLICY_CHANNEL
from governance.principals import PrincipalDirectory

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5
_PING_SECONDS = 5.0


class PushedChanges:
    """Keeps a principal directory from believing what has changed."""

    def __init__(self, redis_url: str, directory: PrincipalDirectory) -> None:
        self._redis_url = redis_url
        self._directory = directory

    async def listen(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                await self._listen_once()
            except (RedisError, OSError) as error:
                log.warning("push.away", extra={"error": type(error).__name__})
            finally:
                self._directory.pushed = False
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen_once(self) -> None:
        client = Redis.from_url(self._redis_url, socket_connect_timeout=2.0, health_check_interval=_PING_SECONDS)
        async with client, client.pubsub() as subscription:
            await subscription.subscribe(REVOKED_CHANNEL, POLICY_CHANNEL)
            while True:
                message = await subscription.get_message(timeout=_PING_SECONDS)
                if message is None:
                    await subscription.ping()
                else:
                    self._take(message)

    def _take(self, message: dict[str, object]) -> None:
        channel, data = message["channel"], message["data"]
        if message["type"] == "subscribe":
            self._directory.forget_all()
            self._directory.pushed = True
        elif message["type"] == "message" and isinstance(data, bytes):
            forget = self._directory.forget_key if channel == REVOKED_CHANNEL.encode() else self._directory.forget_org
            forget(data.decode())
