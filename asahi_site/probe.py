"""Asking `/health`, by hand: an HTTP client would be the largest part of the supervisor."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from enum import IntEnum
from typing import Any

from asahi_site.embedded.ports import LOOPBACK

_PATIENCE_SECONDS = 5.0


class Health(IntEnum):
    """How far the product has come."""

    AWAY = 0
    ANSWERS = 1
    COMPLETE = 2


async def ask_health(host: str, port: int) -> Health:
    """What `/health` says now: COMPLETE when every component works."""
    answer = await _ask(host, port)
    if answer is None:
        return Health.AWAY
    return Health.COMPLETE if answer.get("status") == "ok" else Health.ANSWERS


async def _ask(host: str, port: int) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            status, body = await _get(host, port, "/health")
        answer = json.loads(body)
    except (OSError, TimeoutError, ValueError):
        return None
    return answer if status == 200 and isinstance(answer, dict) else None


async def _get(host: str, port: int, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}\r\nAccept: application/json\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    words = head.split(b" ", 2)
    return int(words[1]) if len(words) > 2 and words[1].isdigit() else 0, body


def main() -> int:
    """The exit status says whether the service, or one component of it, works: what a container's health check asks."""
    parser = argparse.ArgumentParser(prog="python -m asahi_site.probe", description=main.__doc__)
    parser.add_argument("component", nargs="?", help="as `/health` names it; without it, whether `/health` answers")
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
    options = parser.parse_args()
    answer = asyncio.run(_ask(options.host, options.port))
    works = answer is not None and (not options.component or answer["components"].get(options.component) == "ok")
    return 0 if works else 1


if __name__ == "__main__":
    sys.exit(main())
