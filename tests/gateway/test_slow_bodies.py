"""A body that trickles in does not hold its connection for ever; one that is merely slow is answered."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from asahi_site import lean
from tests.gateway.concurrency import question
from tests.gateway.conftest import Served, Tenant


def _begin(gateway: Served, tenant: Tenant, body: bytes, sent_now: int) -> socket.socket:
    """A call of which only the first bytes of the body are sent."""
    address = urlsplit(gateway.url)
    connection = socket.create_connection((address.hostname, address.port), timeout=20)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {tenant.key}\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body[:sent_now])
    return connection


@pytest.mark.parametrize("sent_now", [0, 10])
def test_a_body_that_does_not_arrive_is_given_up(
    gateway: Served, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, sent_now: int
) -> None:
    monkeypatch.setattr(lean.LeanHandler, "body_seconds", 0.5)
    body = json.dumps(question("never complete")).encode()
    with _begin(gateway, tenant, body, sent_now) as connection, connection.makefile("rb") as answer:
        assert b" 408 " in answer.readline()
        assert b"did not arrive within" in answer.read(), "and then the connection is closed"


def test_a_body_that_is_slow_is_answered(gateway: Served, tenant: Tenant) -> None:
    body = json.dumps(question("in two halves")).encode()
    with _begin(gateway, tenant, body, 10) as connection, connection.makefile("rb") as answer:
        time.sleep(1)
        connection.sendall(body[10:])
        assert b" 200 " in answer.readline()
