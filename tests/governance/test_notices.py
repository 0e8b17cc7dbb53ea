"""Notices to other processes: quick when Redis is there, harmless when it is not."""

from __future__ import annotations

import logging
import socket
import time

from governance.notices import NOTICES_LOST, publish


def _lost(channel: str) -> float:
    return NOTICES_LOST.labels(channel)._value.get()


def test_whoever_listens_hears_a_notice(valkey):
    with valkey.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("test:notices")
        listener.get_message(timeout=1)
        assert publish("test:notices", "something changed") is True
        assert listener.get_message(timeout=1)["data"] == b"something changed"


def test_a_lost_notice_is_counted_and_logged_and_raises_nothing(settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    before = _lost("test:lost")
    with caplog.at_level(logging.WARNING, logger="governance.notices"):
        assert publish("test:lost", "payload") is False
    assert _lost("test:lost") == before + 1
    assert [record.message for record in caplog.records] == ["notice_lost"]
    assert "payload" not in caplog.text


def test_a_frozen_redis_costs_a_moment_only(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        assert publish("test:frozen", "payload") is False
        assert time.monotonic() - began < 2
