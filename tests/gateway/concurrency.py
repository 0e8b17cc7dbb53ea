"""Many calls at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.gateway.conftest import Served, Tenant


def chat_at_once(gateway: Served, tenant: Tenant, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """Send all bodies at once, and give the answers in their order."""

    async def send_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=len(bodies))
        async with httpx.AsyncClient(base_url=gateway.url, timeout=60, limits=limits, headers=tenant.headers) as client:
            return await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for body in bodies))

    return asyncio.run(send_all())


def question(text: str, **fields: Any) -> dict[str, Any]:
    """A chat request of known worst case."""
    return {"model": "gpt-6-luna", "messages": [{"role": "user", "content": text}], "max_tokens": 16, **fields}
