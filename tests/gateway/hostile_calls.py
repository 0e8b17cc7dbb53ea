"""Calls over every wire at a provider that misbehaves, many at once, and what may come of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from uuid import uuid4

import httpx

from analytics.models import LedgerEntry
from tests.gateway.conftest import Served, Tenant

LUNA, HAIKU, EMBEDDER = "gpt-6-luna", "claude-haiku-5-5", "text-embedding-3-small"
CHAT, MESSAGES, RESPONSES, EMBEDDINGS, NATIVE = (
    "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings", "/infer",
)  # fmt: skip
MOST_TOKENS = 60
_ENDS = (b"data: [DONE]", b'"type":"message_stop"', b'"type":"response.completed"', b'"type":"response.incomplete"',
         b'"quality_score":')  # fmt: skip


@dataclass(frozen=True)
class Way:
    path: str
    model: str
    stream: bool = False

    @property
    def translated(self) -> bool:
        """Whether the model speaks another wire than the caller."""
        return self.path not in (
            EMBEDDINGS,
            MESSAGES if self.model == HAIKU else CHAT,
            RESPONSES if self.model == LUNA else "",
        )

    def body(self, prompt: str) -> dict[str, Any]:
        said = [{"role": "user", "content": prompt}]
        if self.path == EMBEDDINGS:
            return {"model": self.model, "input": prompt}
        streamed = {"stream": True} if self.stream else {}
        if self.path == NATIVE:
            return {"prompt": prompt, "model_override": self.model, **streamed}
        if self.path == RESPONSES:
            return {"model": self.model, "input": prompt, "max_output_tokens": MOST_TOKENS, "store": False, **streamed}
        return {"model": self.model, "messages": said, "max_tokens": MOST_TOKENS, **streamed}


WAYS = (
    *(
        Way(path, model, stream)
        for path in (CHAT, MESSAGES, RESPONSES, NATIVE)
        for model in (LUNA, HAIKU)
        for stream in (False, True)
    ),
    Way(EMBEDDINGS, EMBEDDER),
)


@dataclass(frozen=True)
class Made:
    """A call and what came of it. `canary` is a word of its prompt, and so of its answer, that no other call has."""

    way: Way
    tenant: Tenant
    canary: str
    prompt: str
    answer: httpx.Response
    entry: LedgerEntry

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def ended_well(self) -> bool:
        if self.answer.status_code != 200:
            return False
        return not self.way.stream or (any(end in self.answer.content for end in _ENDS) and not self.errors)

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The errors that the caller is told, each of the right shape for its wire."""
        if self.answer.status_code != 200:
            return [error_in(self.way, self.answer.json())]
        if not self.way.stream:
            return []
        return [error_in(self.way, event) for event in self.events if is_error(event)]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Of a stream. What is no JSON only passes where the provider's own bytes are passed on."""
        events = []
        for line in self.text.split("\n"):
            if line.startswith("data: ") and line != "data: [DONE]":
                try:
                    events.append(json.loads(line[6:]))
                except ValueError:
                    assert not self.way.translated, line
        return [event for event in events if isinstance(event, dict)]


def is_error(event: dict[str, Any]) -> bool:
    return event.get("type") in ("error", "response.failed") or "error" in event


def error_in(way: Way, said: dict[str, Any]) -> dict[str, Any]:
    """The error of a body or event, when it has the shape that the clients of this wire expect."""
    if said.get("type") == "response.failed":
        error = said["response"]["error"]
        assert error["code"]
    elif way.path == RESPONSES and said.get("type") == "error":
        error = said
        assert "sequence_number" in said
    else:
        error = said["error"]
        assert error["type"]
        assert (said.get("type") == "error") == (way.path == MESSAGES), said
    assert isinstance(error["message"], str)
    assert error["message"]
    return error


def make_all(gateway: Served, tenants: Sequence[Tenant], ways: Iterable[Way] = WAYS) -> list[Made]:
    """Each way once, by the tenants in turn, all at the same time."""
    wanted = list(zip(ways, cycle(tenants), strict=False))
    with ThreadPoolExecutor(12) as pool:
        asked = list(pool.map(lambda both: _ask(gateway, *both), wanted))
    counts = Counter(tenant.org_id for _, tenant in wanted)
    rows = [entry for tenant in tenants for entry in tenant.ledger(counts[tenant.org_id])]
    entries = {f"req_{entry.request_id.hex}": entry for entry in rows}
    return [
        Made(way, tenant, canary, prompt, answer, entries[answer.headers["x-asahi-request-id"]])
        for (way, tenant), (canary, prompt, answer) in zip(wanted, asked, strict=True)
    ]


def _ask(gateway: Served, way: Way, tenant: Tenant) -> tuple[str, str, httpx.Response]:
    canary = f"Canary{uuid4().hex[:10]}"
    prompt = f"What is known about {canary} in the harbour?"
    return canary, prompt, ask(gateway, way, tenant, prompt)


def ask(gateway: Served, way: Way, tenant: Tenant, prompt: str) -> httpx.Response:
    return gateway.http.post(way.path, json=way.body(prompt), headers=tenant.headers)
