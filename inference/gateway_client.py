"""A small client of a running gateway, for the commands that measure and try it: what an application would see.

It speaks only HTTP, so that what it reports is what a customer gets: answers from the body, money from the headers.
Money is integer nano-USD, parsed from the exact decimals the gateway sends, never through a float.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a gateway listens, and a key it knows."""

    base_url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the answer's headers say about how it was made and what it cost."""

    request_id: str
    model: str
    tier: str
    cost_nano: int
    original_nano: int
    reason: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Answered:
    text: str
    receipt: Receipt
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Refused:
    """No answer. `status` is 0 when no whole HTTP answer came; `connected` says whether anyone listened at all."""

    status: int
    message: str
    retry_after: float | None = None
    cost_nano: int = 0
    connected: bool = True


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Completion(msgspec.Struct):
    choices: list[_Choice]


_decode_completion = msgspec.json.Decoder(_Completion).decode
_encode = msgspec.json.Encoder().encode


def find_endpoint(*, var_dir: Path, base_url: str | None, api_key: str | None) -> Endpoint | None:
    """The gateway named on the command line, completed from `var/demo.json`; None when neither tells."""
    demo: dict[str, str] = {}
    path = var_dir / "demo.json"
    if path.exists():
        demo = json.loads(path.read_text())
    url, key = base_url or demo.get("base_url"), api_key or demo.get("api_key")
    return Endpoint(url.rstrip("/"), key) if url and key else None


def nano_from_usd(text: str) -> int:
    """Exact nano-USD of a decimal string such as `0.000123456`; ValueError when it is none, or finer than that."""
    try:
        nano = Decimal(text).scaleb(9)
        exact = int(nano)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not an amount of money") from error
    if nano != exact:
        raise ValueError(f"{text!r} is finer than a nano-dollar")
    return exact


def usd_from_nano(nano: int) -> str:
    """The exact decimal string of an amount, without needless zeros: `1500000000` is `1.5`."""
    digits = f"{abs(nano):010d}"
    fraction = digits[-9:].rstrip("0")
    return ("-" if nano < 0 else "") + digits[:-9] + (f".{fraction}" if fraction else "")


class GatewayClient:
    """Sends chats to a gateway and reads its JSON pages over one pooled session."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint) -> None:
        self._session = session
        self._chat_url = f"{endpoint.base_url}/v1/chat/completions"
        self._base_url = endpoint.base_url
        self._authorization = f"Bearer {endpoint.api_key}"

    async def chat(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answered | Refused:
        """One whole (not streamed) answer to an OpenAI chat body."""
        sent = {**headers, "authorization": self._authorization, "content-type": "application/json"}
        began = time.perf_counter()
        try:
            async with self._session.post(self._chat_url, data=_encode(body), headers=sent) as response:
                content = await response.read()
        except aiohttp.ClientConnectorError as error:
            return Refused(0, f"no connection: {error.strerror or error}", connected=False)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Refused(0, f"no whole answer: {type(error).__name__}")
        latency_ms = (time.perf_counter() - began) * 1000
        if response.status != 200:
            return _read_refusal(response, content)
        try:
            return Answered(_read_text(content), _read_receipt(response.headers), latency_ms)
        except (KeyError, ValueError) as error:
            return Refused(200, f"not an answer of Asahi: {error}")

    async def get_json(self, path: str, params: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status and decoded body of a JSON page; status 0 when nothing came, the body None when it is no JSON."""
        headers = {"authorization": self._authorization}
        try:
            async with self._session.get(self._base_url + path, params=params, headers=headers) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return 0, {"error": {"message": str(error)}}
        try:
            return response.status, json.loads(content)
        except ValueError:
            return response.status, None


def open_session(connections: int) -> aiohttp.ClientSession:
    """A session whose pool holds one connection for each call in flight."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS, connect=CONNECT_SECONDS),
    )


def error_message(body: object) -> str:
    """The message inside an error body of any of Asahi's shapes; empty when there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("message", "")) if isinstance(error, dict) else ""


def _read_text(content: bytes) -> str:
    completion = _decode_completion(content)
    if not completion.choices:
        raise ValueError("it has no choices")
    return completion.choices[0].message.content or ""


def _read_receipt(headers: Mapping[str, str]) -> Receipt:
    return Receipt(
        request_id=headers["x-asahi-request-id"],
        model=headers["x-asahi-model"],
        tier=headers["x-asahi-cache"],
        cost_nano=nano_from_usd(headers["x-asahi-cost"]),
        original_nano=nano_from_usd(headers["x-asahi-cost-original"]),
        reason=headers.get("x-asahi-routing-reason", ""),
        simulated=headers.get("x-asahi-simulated") == "true",
    )


def _read_refusal(response: aiohttp.ClientResponse, content: bytes) -> Refused:
    try:
        message = error_message(json.loads(content))
    except ValueError:
        message = ""
    cost = response.headers.get("x-asahi-cost")
    return Refused(
        response.status,
        message or response.reason or "",
        retry_after=_seconds(response.headers.get("retry-after")),
        cost_nano=nano_from_usd(cost) if cost else 0,
    )


def _seconds(header: str | None) -> float | None:
    """A Retry-After in seconds; its HTTP-date form is not one the gateway sends."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
