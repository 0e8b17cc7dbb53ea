"""Both official clients under an `Idempotency-Key`: one request, one answer, one charge, however often it is sent."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest

from tests.served import Simulator, Tenant

ONCE = {"Idempotency-Key": "order-17", "x-asahi-cache": "off"}


def asked(prompt: str, model: str = "gpt-6-luna", **fields: Any) -> Any:
    return {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": 60, **fields}


def test_the_same_request_gets_the_same_answer_and_is_charged_once(gpt: openai.OpenAI, tenant: Tenant) -> None:
    first, again = (gpt.chat.completions.create(**asked("Buy it"), extra_headers=ONCE) for _ in range(2))
    assert first.id == again.id
    assert first == again
    assert len(tenant.ledger(1)) == 1


def test_a_stream_is_repeated_too(gpt: openai.OpenAI, tenant: Tenant) -> None:
    def text() -> str:
        stream = gpt.chat.completions.create(**asked("Buy it"), stream=True, extra_headers=ONCE)
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    assert text() == text()
    assert len(tenant.ledger(1)) == 1


def test_another_request_under_the_same_key_is_a_conflict(gpt: openai.OpenAI) -> None:
    gpt.chat.completions.create(**asked("Buy one"), extra_headers=ONCE)
    with pytest.raises(openai.ConflictError) as raised:
        gpt.with_options(max_retries=0).chat.completions.create(**asked("Buy two"), extra_headers=ONCE)
    assert raised.value.code == "idempotency_conflict"


def test_an_attempt_repeated_after_a_timeout_joins_the_first(
    gpt: openai.OpenAI, tenant: Tenant, simulator: Simulator
) -> None:
    simulator.faults(latency_ms=1200, times=1)
    patient = gpt.with_options(timeout=0.8, max_retries=3)
    assert patient.chat.completions.create(**asked("Buy it slowly"), extra_headers=ONCE).choices
    assert len(simulator.calls()) == 1
    assert sum(entry.cost_nano > 0 for entry in tenant.ledger(1)) == 1


def test_anthropic_s_client_is_answered_once_too(claude: anthropic.Anthropic, tenant: Tenant) -> None:
    haiku = "claude-haiku-5-5"
    first, again = (claude.messages.create(**asked("Buy it", haiku), extra_headers=ONCE) for _ in range(2))
    assert first.id == again.id
    assert len(tenant.ledger(1)) == 1
    with pytest.raises(anthropic.ConflictError):
        claude.with_options(max_retries=0).messages.create(**asked("Buy two", haiku), extra_headers=ONCE)
