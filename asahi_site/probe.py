"""Asking `/health` by hand: an HTTP client would be the largest part of the supervisor."""

from __future__ import annotations

import asyncio
import json
from enum import IntEnum

from asahi_site.embedded.ports import LOOPBACK

_PATIENCE_SECONDS = 5.0


class Health(IntEnum):
    """How far the product has come."""

    AWAY = 0
    ANSWERS = 1
    COMPLETE = 2


async def ask_health(host: str, port: int) -> Health:
    """What `/health` says now: COMPLETE when every component works."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            status, body = await _get(host, port, "/health")
    except (OSError, TimeoutError):
        return Health.AWAY
    if status != 200:
        return Health.AWAY
    return Health.COMPLETE if _says_ok(body) else Health.ANSWERS


async def _get(host: str, port: int, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}\r\nAccept: application/json\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    words = head.split(b" ", 2)
    return int(words[1]) if len(words) > 2 and words[1].isdigit() else 0, body


def _says_ok(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("status") == "ok"
