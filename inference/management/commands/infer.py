"""`manage.py infer`: one prompt through the running gateway, its answer, and what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from inference.domain import CacheMode, RoutingMode
from inference.gateway_client import (
    Answered,
    Endpoint,
    GatewayClient,
    Refused,
    find_endpoint,
    open_session,
    usd_from_nano,
)


class Command(BaseCommand):
    help = "Send one prompt through the running gateway; print the answer and what it cost."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prompt")
        parser.add_argument("--model", default="asahi", help="a registered model; default: Asahi chooses")
        parser.add_argument("--routing", choices=[mode.value for mode in RoutingMode])
        parser.add_argument("--cache", choices=[mode.value for mode in CacheMode])
        parser.add_argument("--max-tokens", type=int)
        parser.add_argument("--base-url", help="the gateway; default: the one that wrote var/demo.json")
        parser.add_argument("--api-key", help="default: the one in var/demo.json")

    def handle(self, *_: Any, **options: Any) -> None:
        endpoint = find_endpoint(var_dir=settings.VAR_DIR, base_url=options["base_url"], api_key=options["api_key"])
        if endpoint is None:
            raise CommandError("no gateway is known: start one with `make run`, or pass --base-url and --api-key")
        reply = asyncio.run(_send(endpoint, *_build_request(options)))
        if isinstance(reply, Refused):
            raise CommandError(f"{endpoint.base_url} answered {reply.status or 'nothing'}: {reply.message}")
        self.stdout.write(reply.text)
        self.stderr.write(describe_cost(reply))


def _build_request(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    body = {"model": options["model"], "messages": [{"role": "user", "content": options["prompt"]}]}
    if options["max_tokens"]:
        body["max_completion_tokens"] = options["max_tokens"]
    chosen = {"x-asahi-routing": options["routing"], "x-asahi-cache": options["cache"]}
    return body, {name: value for name, value in chosen.items() if value}


async def _send(endpoint: Endpoint, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answered | Refused:
    async with open_session(1) as session:
        return await GatewayClient(session, endpoint).chat(body, headers)


def describe_cost(reply: Answered) -> str:
    """One line: model, tier, cost against what it would have cost, time, and why this model."""
    receipt = reply.receipt
    saved = ""
    if receipt.original_nano:
        saved = f", {1 - receipt.cost_nano / receipt.original_nano:.1%} saved"
    return (
        f"{receipt.model} · {receipt.tier} · ${usd_from_nano(receipt.cost_nano)}"
        f" (instead of ${usd_from_nano(receipt.original_nano)}{saved}) · {reply.latency_ms:.0f} ms"
        f" · {receipt.request_id}" + (f"\n{receipt.reason}" if receipt.reason else "")
    )
