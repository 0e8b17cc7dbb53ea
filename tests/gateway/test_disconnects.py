"""A client that goes away stops the provider within a second, and is billed for what had been used."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.raw_provider import calls_going_to


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_leaving_a_stream_cancels_the_upstream_and_bills_what_came(
    gateway: Served, tenant: Tenant, simulator: Simulator, path: str
) -> None:
    simulator.faults(chunk_ms=50)
    model = "gpt-6-luna" if "chat" in path else "claude-haiku-5-5"
    body = {"model": model, "stream": True, "max_tokens": 400, "messages": [{"role": "user", "content": "Write long"}]}
    with gateway.http.stream("POST", path, json=body, headers=tenant.headers) as answer:
        for number, _ in enumerate(answer.iter_raw()):
            if number == 8:
                break
    left_at = time.monotonic()
    while not (calls := simulator.calls()):
        assert time.monotonic() - left_at < 1.5, "the provider was not told within a second"
        time.sleep(0.02)
    assert calls[0]["outcome"] == "client_disconnect"
    entry = tenant.ledger(1)[0]
    assert (entry.outcome, entry.usage_estimated) == ("client_disconnect", True)
    assert 0 < entry.output_tokens <= calls[0]["output_tokens"] < 60
    assert entry.cost_nano > 0


def test_leaving_a_whole_call_cancels_the_upstream_and_bills_the_input(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(latency_ms=20_000)
    with pytest.raises(httpx.ReadTimeout):
        gateway.http.post(
            "/v1/chat/completions",
            json={"model": "gpt-6-luna", "messages": [{"role": "user", "content": "Take your time"}]},
            headers=tenant.headers,
            timeout=0.3,
        )
    entry = tenant.ledger(1, patience=3)[0]
    assert entry.outcome == "client_disconnect"
    assert (entry.input_tokens > 0, entry.output_tokens) == (True, 0)


def test_leaving_before_the_provider_was_reached_costs_nothing(gateway: Served, tenant: Tenant) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        port = deaf.getsockname()[1]
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        with calls_going_to(f"http://127.0.0.1:{port}/", "mistral"), pytest.raises(httpx.ReadTimeout):
            gateway.http.post(
                "/v1/chat/completions",
                json={"model": "mistral-large-4", "messages": [{"role": "user", "content": "Is anybody there?"}]},
                headers=tenant.headers,
                timeout=0.7,
            )
        for filler in fillers:
            filler.close()
    (entry,) = tenant.ledger(1, patience=5)
    assert (entry.outcome, entry.cost_nano) == ("client_disconnect", 0)
