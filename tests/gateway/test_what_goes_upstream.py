"""What a provider is sent: in the names it knows, and nothing by which one organization's call meets another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.raw_provider import RawProvider, in_place_of

MISTRAL = "mistral-large-4"


@pytest.fixture
def raw(gateway: Served) -> Iterator[RawProvider]:
    with in_place_of("mistral", "openai") as provider:
        yield provider


@pytest.mark.parametrize(
    ("model", "known", "other"),
    [(MISTRAL, "max_tokens", "max_completion_tokens"), ("gpt-6-luna", "max_completion_tokens", "max_tokens")],
)
@pytest.mark.parametrize("sent", ["max_tokens", "max_completion_tokens"])
def test_the_output_limit_goes_up_by_the_name_its_provider_knows(
    gateway: Served, tenant: Tenant, raw: RawProvider, model: str, known: str, other: str, sent: str
) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": f"limit as {sent}"}], sent: 7}
    answer = gateway.http.post("/v1/chat/completions", json=body, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    assert raw.seen[-1].body[known] == 7
    assert other not in raw.seen[-1].body


def test_the_native_call_limits_a_provider_that_knows_only_the_older_name(
    gateway: Served, tenant: Tenant, raw: RawProvider
) -> None:
    body = {"prompt": "limit me", "max_tokens": 9, "model_override": MISTRAL}
    assert gateway.http.post("/infer", json=body, headers=tenant.headers).status_code == 200
    assert raw.seen[-1].body["max_tokens"] == 9
    assert "max_completion_tokens" not in raw.seen[-1].body


def test_two_output_limits_are_refused_by_name(gateway: Served, tenant: Tenant, raw: RawProvider) -> None:
    answer = gateway.chat(tenant, "which one", model=MISTRAL, max_tokens=3000, max_completion_tokens=1)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "max_tokens"
    assert not raw.seen


def test_a_limit_of_null_beside_a_real_one_is_no_second_limit(
    gateway: Served, tenant: Tenant, raw: RawProvider
) -> None:
    answer = gateway.chat(tenant, "one of two", model=MISTRAL, max_tokens=None, max_completion_tokens=5)
    assert answer.status_code == 200, answer.text
    assert raw.seen[-1].body["max_tokens"] == 5


def test_two_organizations_never_share_an_idempotency_key(
    gateway: Served, make_tenant: Callable[..., Tenant], raw: RawProvider
) -> None:
    first, second = make_tenant(), make_tenant()
    keys = []
    for tenant in (first, first, second):
        headers = {"idempotency-key": "order-1", "x-asahi-cache": "off"}
        assert gateway.chat(tenant, "the same", model=MISTRAL, headers=headers).status_code == 200
        keys.append(raw.seen[-1].headers["idempotency-key"])
    assert keys[0] == keys[1], "a caller's repetition is still recognized as one"
    assert keys[2] != keys[0]
    assert "order-1" not in keys


def test_an_answer_with_a_beta_header_is_not_given_to_a_call_without_it(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    def ask(**headers: str) -> str:
        body = {"model": "claude-haiku-5-5", "max_tokens": 50, "messages": [{"role": "user", "content": "beta?"}]}
        answer = gateway.http.post("/v1/messages", json=body, headers={**tenant.headers, **headers})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-asahi-cache"]

    beta = {"anthropic-beta": "context-1m-2025-08-07"}
    assert [ask(), ask(**beta), ask(), ask(**beta)] == ["miss", "miss", "t1", "t1"]
    assert len(simulator.calls()) == 2


def test_a_new_idempotency_key_does_not_cost_a_cache_hit(gateway: Served, tenant: Tenant, raw: RawProvider) -> None:
    found = [
        gateway.chat(tenant, "again", model=MISTRAL, headers={"idempotency-key": key}).headers["x-asahi-cache"]
        for key in ("order-1", "order-2")
    ]
    assert found == ["miss", "t1"]


def test_a_prompt_cache_key_is_each_organizations_own(
    gateway: Served, make_tenant: Callable[..., Tenant], raw: RawProvider
) -> None:
    for tenant in (make_tenant(), make_tenant()):
        for text in ("one", "two"):
            answer = gateway.chat(tenant, text, model="gpt-6-luna", prompt_cache_key="shared")
            assert answer.status_code == 200, answer.text
    keys = [seen.body["prompt_cache_key"] for seen in raw.seen]
    assert keys[0] == keys[1]
    assert keys[2] == keys[3] != keys[0]
    assert all(len(key) == 64 and "shared" not in key for key in keys)


def test_a_mark_for_caching_of_anthropics_goes_to_no_other_provider(
    gateway: Served, tenant: Tenant, raw: RawProvider
) -> None:
    part = {"type": "text", "text": "cache me", "cache_control": {"type": "ephemeral"}}
    body = {"model": MISTRAL, "messages": [{"role": "user", "content": [part]}]}
    assert gateway.http.post("/v1/chat/completions", json=body, headers=tenant.headers).status_code == 200
    assert raw.seen[-1].body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "cache me"}]}]
