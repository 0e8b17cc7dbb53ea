"""Bytes of a provider that nobody thought of: valid answers, mangled by chance, through the served gateway."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from analytics.models import LedgerEntry
from asahi_site import runtime
from inference.providers.upstream import Patience
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.hostile_calls import EMBEDDINGS, HAIKU, LUNA, WAYS, Way, error_in, is_error
from tests.gateway.raw_provider import Reply, raw_provider
from tests.gateway.test_hostile_providers import close_breakers

ROUNDS = 12
_HEADS = {False: b"application/json", True: b"text/event-stream"}
_NONSENSE: tuple[Any, ...] = (
    None, True, -1, 0, 1e99, 10**30, 0.5, "", "x", "\ud83d", "\x00", [], {}, [[]], [None], {"a": 1}, "data: [DONE]\n\n",
)  # fmt: skip
_PIECES = (b"", b"\x00", b"\xff\xfe", b"\n", b"\n\n", b"\r\n\r\n", b"data: ", b"data: {}\n\n", b"event: error\n",
           b"data: [DONE]\n\n", b"data: null\n\n", b": x\n\n", b"{" * 2000, b"[" * 2000, b'"', b"}")  # fmt: skip


def upstream_path(way: Way) -> str:
    if way.model == HAIKU:
        return "/anthropic/v1/messages"
    return f"/openai{way.path}" if way.path in (EMBEDDINGS, "/v1/responses") else "/openai/v1/chat/completions"


def good_answer(simulator: Simulator, way: Way) -> bytes:
    """What the provider says when nothing is wrong with it."""
    path = upstream_path(way)
    shaped = replace(way, path=path.removeprefix("/openai").removeprefix("/anthropic"), model=way.model)
    headers = {"authorization": "Bearer k", "x-api-key": "k", "anthropic-version": "2023-06-01"}
    body = shaped.body("Say something about bees")
    if "max_tokens" in body and way.model == LUNA:
        body["max_completion_tokens"] = body.pop("max_tokens")
    if way.stream and path.endswith("completions"):
        body["stream_options"] = {"include_usage": True}
    answer = httpx.post(f"{simulator.url}{path}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content


def mangled(good: bytes, chance: random.Random) -> bytes:
    """Cut, spliced, or with one of its values replaced by nonsense."""
    match chance.randrange(5):
        case 0:
            return good[: chance.randrange(len(good))]
        case 1:
            at = chance.randrange(len(good))
            return good[:at] + chance.choice(_PIECES) + good[at + chance.randrange(30) :]
        case 2:
            events = good.split(b"\n\n")
            chance.shuffle(events)
            return b"\n\n".join(events)
        case _:
            return _with_nonsense(good, chance)


def _with_nonsense(good: bytes, chance: random.Random) -> bytes:
    lines = good.split(b"\n")
    places = [at for at, line in enumerate(lines) if line.startswith((b"data: {", b"{"))]
    at = chance.choice(places)
    head, _, rest = lines[at].partition(b"{")
    lines[at] = head + json.dumps(_damaged(json.loads(b"{" + rest), chance)).encode()
    return b"\n".join(lines)


def _damaged(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(sorted(value))
        return {**value, name: _damaged(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        at = chance.randrange(len(value))
        return [*value[:at], _damaged(value[at], chance), *value[at + 1 :]]
    return chance.choice(_NONSENSE)


def said(body: bytes, *, stream: bool, gap: int) -> Reply:
    """In pieces of `gap` bytes, so that events come apart anywhere."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nconnection: close\r\n\r\n" % _HEADS[stream])
        for at in range(0, len(body), gap):
            writer.write(body[at : at + gap])
            await writer.drain()
        writer.close()

    return reply


@pytest.fixture(autouse=True)
def tolerant(gateway: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(runtime.current().breakers, "_threshold", 10_000)
    monkeypatch.setattr("inference.calling._BACKOFF_SECONDS", (0.0,))
    yield
    close_breakers()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.path} {way.model} {'stream' if way.stream else 'whole'}")
def test_no_bytes_of_a_provider_are_an_error_of_ours(
    gateway: Served, tenant: Tenant, simulator: Simulator, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, way: Way,
) -> None:  # fmt: skip
    good, chance = good_answer(simulator, way), random.Random(str(way))
    targets, quick = runtime.current().targets._targets, Patience(2.0, 2.0, 1.0)
    with raw_provider() as raw:
        for name in ("openai", "anthropic"):
            moved = {wire: replace(t, url=raw.url, patience=quick) for wire, t in targets[name].items()}
            monkeypatch.setitem(targets, name, moved)
        for number in range(ROUNDS):
            body = mangled(good, chance)
            raw.answers(said(body, stream=way.stream, gap=chance.choice((7, 100, 10_000))))
            answer = gateway.http.post(way.path, json=way.body(f"Round {number}"), headers=tenant.headers)
            check(way, answer, body)
    entries = tenant.ledger(ROUNDS)
    for entry in entries:
        check_entry(entry)
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")], caplog.text


def check(way: Way, answer: httpx.Response, body: bytes) -> None:
    assert answer.status_code in (200, 400, 503), (body, answer.text)
    if answer.status_code != 200:
        assert error_in(way, answer.json())["message"]
        assert "internal_error" not in answer.text, body
    elif way.stream and way.translated:
        for line in answer.text.split("\n"):
            if line.startswith("data: ") and line != "data: [DONE]":
                event = json.loads(line[6:])
                assert not is_error(event) or error_in(way, event), body


def check_entry(entry: LedgerEntry) -> None:
    assert entry.outcome in ("ok", "provider_error"), entry.outcome
    assert 0 <= entry.cost_nano < 10**9
    assert entry.status in (200, 400, 503)
    assert (entry.cost_nano > 0) == (entry.input_tokens > 0)
    if entry.status == 200:
        assert entry.cost_nano > 0
