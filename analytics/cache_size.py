"""How many answers T1 keeps for an organization, counted in Redis itself for a moment at most."""

from __future__ import annotations

import time

import redis

PATIENCE_SECONDS = 0.2


def t1_entries(client: redis.Redis, org_id: str) -> int | None:
    """The number of entries, or None when Redis is away or holds too many keys to look through while somebody waits."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    count = cursor = 0
    try:
        while True:
            cursor, keys = client.scan(cursor, match=f"asahi:t1:{{{org_id}}}:*", count=2000)
            count += len(keys)
            if cursor == 0:
                return count
            if time.monotonic() > deadline:
                return None
    except redis.RedisError:
        return None
