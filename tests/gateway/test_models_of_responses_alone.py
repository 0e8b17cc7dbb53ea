"""A model that speaks nothing but responses answers every API, and its searches are paid for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.conftest import Served, Tenant, events_of
from tests.gateway.raw_provider import RawProvider, in_place_of, stream, whole
from tests.gateway.test_responses_broken import BODY, EVENTS, ITEM, event

SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}}
FOUND: dict[str, Any] = {**BODY, "output": [ITEM, SEARCH]}
PIECES = (
    *EVENTS,
    event("response.output_item.added", 5, output_index=1, item=SEARCH),
    event("response.output_item.done", 6, output_index=1, item=SEARCH),
    event("response.completed", 7, response=FOUND),
)
ASKED = {"model": "sonar", "max_tokens": 40, "messages": [{"role": "user", "content": "what is new?"}]}


@pytest.fixture
def raw(gateway: Served) -> Iterator[RawProvider]:
    with in_place_of("perplexity") as provider:
        yield provider


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_it_answers_in_the_callers_own_shape(
    gateway: Served, tenant: Tenant, raw: RawProvider, path: str, streaming: bool
) -> None:
    raw.answers(stream(*PIECES) if streaming else whole(FOUND))
    answer = gateway.http.post(path, json={**ASKED, "stream": streaming}, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    assert said_in(answer, path, streaming) == "hello there"
    assert raw.seen[-1].body["input"] == [{"role": "user", "content": "what is new?"}]
    assert raw.seen[-1].body["max_output_tokens"] == 40
    assert raw.seen[-1].body["store"] is False
    [entry] = tenant.ledger(1)
    assert (entry.outcome, entry.input_tokens, entry.output_tokens) == ("ok", 5, 2)
    assert not entry.usage_estimated
    assert "web_search" in str(entry.receipt)


def said_in(answer: Any, path: str, streaming: bool) -> str:
    if "chat" in path:
        if not streaming:
            return str(answer.json()["choices"][0]["message"]["content"])
        chunks = [said for said in events_of(answer.text) if said["choices"]]
        return "".join(said["choices"][0]["delta"].get("content") or "" for said in chunks)
    if not streaming:
        return str(answer.json()["content"][0]["text"])
    return "".join(said["delta"].get("text", "") for said in events_of(answer.text) if "delta" in said)
