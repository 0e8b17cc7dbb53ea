"""What a provider did not state is counted here: all that it read and wrote, as it would have counted it itself."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from analytics.models import LedgerEntry
from tests.gateway.conftest import Served, Simulator, Tenant

LUNA, MINI, HAIKU = "gpt-6-luna", "gpt-4o-mini", "claude-haiku-5-5"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SYSTEM = {"role": "system", "content": "Be brief."}
UNSTATED = {"kind": "bad_usage", "usage": "missing"}


def ask(gateway: Served, tenant: Tenant, path: str, **body: Any) -> None:
    answer = gateway.http.post(path, json=body, headers=tenant.headers)
    assert answer.status_code == 200, answer.text


def one_of_each(tenant: Tenant, simulator: Simulator) -> tuple[LedgerEntry, dict[str, Any]]:
    """The row, and the call; whichever of the two is written last."""
    (entry,), deadline = tenant.ledger(1), time.monotonic() + 5
    while not (calls := simulator.calls()) and time.monotonic() < deadline:
        time.sleep(0.02)
    (call,) = calls
    return entry, call


def billed_as_worked(tenant: Tenant, simulator: Simulator) -> None:
    entry, call = one_of_each(tenant, simulator)
    assert entry.usage_estimated
    worked = (call["worked_input_tokens"], call["worked_output_tokens"] - call["reasoning_tokens"])
    assert (entry.input_tokens, entry.output_tokens) == worked
    assert entry.cost_nano > 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", [LUNA, HAIKU])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_an_answer_without_usage_is_counted_on_every_wire(
    gateway: Served, tenant: Tenant, simulator: Simulator, path: str, model: str, stream: bool
) -> None:
    simulator.faults(rules=[UNSTATED])
    said = {"role": "user", "content": f"Count this, {model}, {stream}"}
    body: dict[str, Any] = {"messages": [said], "max_tokens": 50}
    if path == "/v1/responses":
        body = {"input": [said], "instructions": "Be brief.", "max_output_tokens": 50}
    ask(gateway, tenant, path, model=model, stream=stream, **body)
    if path == "/v1/responses" and model == HAIKU:
        return billed_roughly(tenant, simulator)  # what instructions are called differs from wire to wire
    return billed_as_worked(tenant, simulator)


def billed_roughly(tenant: Tenant, simulator: Simulator) -> None:
    entry, call = one_of_each(tenant, simulator)
    assert abs(entry.input_tokens - call["worked_input_tokens"]) <= 2
    assert entry.output_tokens == call["worked_output_tokens"]


@pytest.mark.parametrize("stream", [False, True])
def test_all_answers_and_all_calls_of_tools_are_counted(
    gateway: Served, tenant: Tenant, simulator: Simulator, stream: bool
) -> None:
    simulator.faults(rules=[UNSTATED])
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}
    said = [SYSTEM, {"role": "user", "content": "Call the tool get_weather for Pune"}]
    ask(gateway, tenant, "/v1/chat/completions", model=MINI, stream=stream, messages=said, tools=[tool], n=2)
    entry, call = one_of_each(tenant, simulator)
    assert entry.output_tokens == call["worked_output_tokens"] > 8
    assert 0.6 < entry.input_tokens / call["worked_input_tokens"] <= 1.1


def test_texts_and_tokens_to_embed_are_counted(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    simulator.faults(rules=[UNSTATED])
    for given in (["one text", "another text"], [[1, 2, 3], [4, 5]]):
        ask(gateway, tenant, "/v1/embeddings", model="text-embedding-3-small", input=given)
    counted = [entry.input_tokens for entry in tenant.ledger(2)]
    assert counted == [call["worked_input_tokens"] for call in simulator.calls()]
    assert all(counted)


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/chat/completions", LUNA), ("/v1/chat/completions", HAIKU), ("/v1/messages", LUNA),
        ("/v1/messages", HAIKU), ("/v1/responses", LUNA), ("/v1/responses", HAIKU),
    ],
)  # fmt: skip
def test_who_leaves_while_the_provider_pauses_pays_exactly_what_was_written(
    gateway: Served, tenant: Tenant, simulator: Simulator, path: str, model: str
) -> None:
    simulator.faults(rules=[{"kind": "hang_after_chunks", "after_chunks": 12}])
    prompt = f"Tell me of {model} at {path}"
    body: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 300}
    if path == "/v1/responses":
        body = {"input": prompt, "max_output_tokens": 300}
    asked = {"model": model, "stream": True, **body}
    with (
        pytest.raises(httpx.ReadTimeout),
        gateway.http.stream("POST", path, json=asked, headers=tenant.headers, timeout=1) as answer,
    ):
        answer.read()
    billed_as_worked(tenant, simulator)
    (entry,) = tenant.ledger(1)
    assert entry.outcome == "client_disconnect"
    assert entry.output_tokens > 0
