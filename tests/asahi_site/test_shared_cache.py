"""Django's cache: one pool for all threads, and no patience with a Redis that is away."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import redis
from django.core.cache import caches

from asahi_site.shared_cache import SharedPoolCache


def test_what_is_put_in_is_found_again(valkey):
    caches["default"].set("name", {"of": "anything"}, 60)
    assert caches["default"].get("name") == {"of": "anything"}
    assert 0 < valkey.ttl("django:1:name") <= 60


def test_many_threads_open_no_more_connections_than_work_at_once(valkey):
    caches["default"].set("name", 1)
    before = valkey.info("stats")["total_connections_received"]
    for _ in range(20):
        thread = threading.Thread(target=lambda: caches["default"].get("name"))
        thread.start()
        thread.join()
    assert valkey.info("stats")["total_connections_received"] - before <= 1


def test_a_frozen_redis_costs_a_moment_only():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cache = SharedPoolCache(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", {})
        began = time.monotonic()
        with pytest.raises(redis.exceptions.TimeoutError):
            cache.get("name")
        assert time.monotonic() - began < 1.5


def test_a_redis_that_is_away_is_not_tried_again_and_again():
    cache = SharedPoolCache("redis://127.0.0.1:1/0", {})
    began = time.monotonic()
    with pytest.raises(redis.exceptions.ConnectionError):
        cache.get("name")
    assert time.monotonic() - began < 1
