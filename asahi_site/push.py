"""Changes that are pushed to every web process: a revoked key, a changed policy or provider key. Within a second, or at
once forgotten.

While the subscription is down nothing cached is believed for longer than a second; when it is back, all is forgotten,
for what was pushed meanwhile was missed. A Redis that says nothing, not even to a ping, is down.
"""

from __future__ import annotations

import asyncio
import logging

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisSilent

from governance.keys import REVOKED_CHANNEL
from governance.policies import POLICY_CHANNEL
from governance.principals import PrincipalDirectory
from governance.provider_keys import ACCOUNTS_CHANNEL

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5
_SILENCE_SECONDS = 1.0
_CONNECT_SECONDS = 2.0


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
        client = Redis.from_url(
            self._redis_url,
            socket_connect_timeout=_CONNECT_SECONDS,
            socket_timeout=_CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),  # a lost connection shall be seen here
        )
        async with client, client.pubsub() as subscription:
            await subscription.subscribe(REVOKED_CHANNEL, POLICY_CHANNEL, ACCOUNTS_CHANNEL)
            asked = False
            while True:
                message = await subscription.get_message(timeout=_SILENCE_SECONDS)
                if message is not None:
                    asked = False
                    self._take(message)
                elif asked:
                    raise RedisSilent("no answer to a ping")
                else:
                    asked = True
                    await subscription.ping()

    def _take(self, message: dict[str, object]) -> None:
        channel, data = message["channel"], message["data"]
        if message["type"] == "subscribe":
            self._directory.forget_all()
            self._directory.pushed = True
        elif message["type"] == "message" and isinstance(data, bytes):
            forget = self._directory.forget_key if channel == REVOKED_CHANNEL.encode() else self._directory.forget_org
            forget(data.decode())
