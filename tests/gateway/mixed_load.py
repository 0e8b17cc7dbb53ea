"""Mixed calls as many customers make them at once, some of whom leave half-way: planned by a seed, sent, and noted."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.gateway.conftest import Tenant

CHAT, MESSAGES, RESPONSES, EMBEDDINGS, NATIVE = (
    "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings", "/infer",
)  # fmt: skip
LUNA, MINI, HAIKU, EMBEDDER = "gpt-6-luna", "gpt-4o-mini", "claude-haiku-5-5", "text-embedding-3-small"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}, "day": {"type": "string"}}}
_TOPICS = ("the harbour", "a lost key", "the night train", "bees in winter", "an old map", "the price of salt")
_LONG = " ".join(f"Rule {number}: answer briefly, name the source, and never guess." for number in range(120))
_DISCONNECT_SHARE = 0.15
"""Not all of them are in time: some answers are there already."""
_REPEAT_SHARE = 0.12
_CLIENT_PATIENCE = 60.0


@dataclass(frozen=True)
class PlannedCall:
    """`leave_after` pieces of a stream, or so many milliseconds of a whole answer, the client is gone."""

    number: int
    tenant: int
    kind: str
    path: str
    body: dict[str, Any]
    leave_after: int | None = None
    repeats: int | None = None

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def tag(self) -> str:
        return f"call-{self.number}"

    @property
    def tags(self) -> list[str]:
        return [self.path.rsplit("/")[-1], self.tag]

    @property
    def json(self) -> dict[str, Any]:
        return {**self.body, "tags": self.tags} if self.path == NATIVE else self.body


@dataclass
class Sent:
    """What the client saw. `left` when it went before the end; `status` is 0 when not even the headers came."""

    call: PlannedCall
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    left: bool = False


Shape = Callable[[random.Random, str], dict[str, Any]]


def _chat(model: str, **fields: Any) -> Shape:
    def shape(chance: random.Random, prompt: str) -> dict[str, Any]:
        return {"model": model, "max_tokens": chance.randint(8, 120), "messages": _turn(prompt), **fields}

    return shape


def _turn(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def _chat_with_tools(chance: random.Random, prompt: str) -> dict[str, Any]:
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}
    return _chat(MINI, tools=[tool])(chance, f"Use a tool. {prompt}")


def _messages_with_tools(chance: random.Random, prompt: str) -> dict[str, Any]:
    return _chat(HAIKU, tools=[{"name": "get_weather", "input_schema": WEATHER}])(chance, f"Use a tool. {prompt}")


def _with_long_rules(chance: random.Random, prompt: str) -> dict[str, Any]:
    """A beginning that the provider keeps in a cache of its own."""
    body = _chat(LUNA)(chance, prompt)
    return {**body, "messages": [{"role": "system", "content": _LONG}, *body["messages"]]}


def _marked_rules(chance: random.Random, prompt: str) -> dict[str, Any]:
    system = [{"type": "text", "text": _LONG * 3, "cache_control": {"type": "ephemeral"}}]
    return _chat(HAIKU, system=system)(chance, prompt)


def _usage_shown(chance: random.Random, prompt: str) -> dict[str, Any]:
    return _chat(LUNA, stream_options={"include_usage": True})(chance, prompt)


def _response(model: str) -> Shape:
    def shape(chance: random.Random, prompt: str) -> dict[str, Any]:
        return {"model": model, "max_output_tokens": chance.randint(16, 120), "input": prompt, "store": False}

    return shape


def _embedding(chance: random.Random, prompt: str) -> dict[str, Any]:
    return {"model": EMBEDDER, "input": [prompt] * chance.randint(1, 3)}


def _native(chance: random.Random, prompt: str) -> dict[str, Any]:
    return {"prompt": prompt, "quality_preference": chance.choice(("low", "medium", "high")), "routing_mode": "guided"}


# name, weight, path, whether it may be streamed, the body
_KINDS: tuple[tuple[str, int, str, str, Shape], ...] = (
    ("chat", 18, CHAT, "both", _chat(LUNA)),
    ("chat, usage shown", 8, CHAT, "always", _usage_shown),
    ("chat with tools", 7, CHAT, "both", _chat_with_tools),
    ("chat, two answers", 3, CHAT, "both", _chat(LUNA, n=2)),
    ("chat that reasons", 4, CHAT, "both", _chat(LUNA, reasoning_effort="low")),
    ("chat, long rules", 4, CHAT, "both", _with_long_rules),
    ("chat by Claude", 7, CHAT, "both", _chat(HAIKU)),
    ("autopilot", 8, CHAT, "both", _chat("asahi")),
    ("messages", 12, MESSAGES, "both", _chat(HAIKU)),
    ("messages with tools", 5, MESSAGES, "both", _messages_with_tools),
    ("messages, marked rules", 3, MESSAGES, "both", _marked_rules),
    ("messages by GPT", 6, MESSAGES, "both", _chat(LUNA)),
    ("responses", 8, RESPONSES, "both", _response(LUNA)),
    ("responses by Claude", 4, RESPONSES, "both", _response(HAIKU)),
    ("embeddings", 7, EMBEDDINGS, "never", _embedding),
    ("native", 5, NATIVE, "both", _native),
)


def plan(count: int, *, tenants: int, seed: int) -> list[PlannedCall]:
    """The same calls for the same seed. Some repeat an earlier one of their tenant's, word for word."""
    chance = random.Random(seed)
    planned: list[PlannedCall] = []
    for number in range(count):
        tenant = chance.randrange(tenants)
        earlier = [call for call in planned[-400:] if call.tenant == tenant]
        if earlier and chance.random() < _REPEAT_SHARE:
            again = chance.choice(earlier)
            planned.append(PlannedCall(number, tenant, again.kind, again.path, again.body, repeats=again.number))
            continue
        name, _, path, streaming, shape = chance.choices(_KINDS, [weight for _, weight, *_ in _KINDS])[0]
        body = shape(chance, f"Tell customer {number} about {chance.choice(_TOPICS)} and {chance.choice(_TOPICS)}.")
        if streaming == "always" or (streaming == "both" and chance.random() < 0.6):
            body["stream"] = True
        leave = None
        if chance.random() < _DISCONNECT_SHARE:
            leave = chance.randint(0, 25)
        planned.append(PlannedCall(number, tenant, name, path, body, leave))
    return planned


async def send_all(
    url: str, tenants: Sequence[Tenant], calls: Sequence[PlannedCall], *, concurrency: int
) -> list[Sent]:
    """So many at a time, in their order."""
    places = asyncio.Semaphore(concurrency)
    limits = httpx.Limits(max_connections=concurrency * 2)
    async with httpx.AsyncClient(base_url=url, timeout=_CLIENT_PATIENCE, limits=limits) as client:

        async def send(call: PlannedCall) -> Sent:
            async with places:
                return await _send(client, tenants[call.tenant], call)

        return await asyncio.gather(*map(send, calls))


async def _send(client: httpx.AsyncClient, tenant: Tenant, call: PlannedCall) -> Sent:
    headers = {**tenant.headers, "x-asahi-tags": ",".join(call.tags)}
    sent = Sent(call)
    if call.streamed:
        await _send_streamed(client, call, headers, sent)
        return sent
    patience = None if call.leave_after is None else call.leave_after / 1000
    try:
        async with asyncio.timeout(patience):
            answer = await client.post(call.path, json=call.json, headers=headers)
    except TimeoutError:
        sent.left = True
    else:
        sent.status, sent.headers, sent.body = answer.status_code, dict(answer.headers), answer.content
    return sent


async def _send_streamed(client: httpx.AsyncClient, call: PlannedCall, headers: dict[str, str], sent: Sent) -> None:
    pieces: list[bytes] = []
    async with client.stream("POST", call.path, json=call.json, headers=headers) as answer:
        sent.status, sent.headers = answer.status_code, dict(answer.headers)
        if call.leave_after == 0:
            sent.left = True
            return
        async for piece in answer.aiter_raw():
            pieces.append(piece)
            if len(pieces) == call.leave_after:
                sent.left = True
                break
    sent.body = b"".join(pieces)


def text_seen(body: bytes) -> str:
    """All text, reasoning apart, that the events of a stream carried, whatever their wire."""
    said: list[str] = []
    for line in body.decode().split("\n"):
        if line.startswith("data: {"):
            try:
                said += _texts_of(json.loads(line[6:]))
            except ValueError:
                continue  # cut in the middle
    return "".join(said)


def _texts_of(event: dict[str, Any]) -> list[str]:
    choices = [choice for choice in event.get("choices") or () if isinstance(choice, dict)]  # a hostile event's are not
    said = [(choice.get("delta") or {}).get("content") or "" for choice in choices]
    delta = event.get("delta")
    if isinstance(delta, dict):
        said.append(delta.get("text") or "")
    elif isinstance(delta, str) and event.get("type") == "response.output_text.delta":
        said.append(delta)
    return said
