"""Which ports on this machine are free."""

from __future__ import annotations

import random
import socket
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"

_BELOW_OUTGOING = range(20_000, 32_000)
"""Ports the kernel does not hand out to outgoing connections, so one stays free while its server restarts."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(previous_url: str = "") -> int:
    """A free port: the one in `previous_url` when it can be had again, so that an open `psql` finds its server back."""
    previous = urlsplit(previous_url).port
    if previous and is_free(previous):
        return previous
    candidates = random.SystemRandom().sample(_BELOW_OUTGOING, 200)
    chosen = next((port for port in candidates if is_free(port)), None)
    if chosen is None:
        raise RuntimeError("no free port between 20000 and 32000 on this machine")
    return chosen
