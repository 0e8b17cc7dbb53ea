"""Processes that serve no HTTP leave a sign of life in Redis, for `/health`."""

from __future__ import annotations

import time

import redis

STALE_AFTER_SECONDS = 45
_NAMES = ("worker", "recorder")


def keys_of_processes() -> dict[str, str]:
    """Process name → Redis key."""
    return {name: f"asahi:seen:{name}" for name in _NAMES}


def show_life(client: redis.Redis, name: str) -> None:
    """Say that a process of this name is at work. Raises redis.RedisError when Redis is away."""
    client.set(keys_of_processes()[name], repr(time.time()), ex=10 * STALE_AFTER_SECONDS)
