"""How many answers T1 keeps for an organization, as its index says."""

from __future__ import annotations

import time

import redis

from caching.exact import index_of


def t1_entries(client: redis.Redis, org_id: str) -> int | None:
    """The number of entries, or None when Redis is away."""
    try:
        return int(client.zcount(index_of(org_id), time.time(), "+inf"))
    except redis.RedisError:
        return None
