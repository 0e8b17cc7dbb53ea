"""The official `openai` client when something is wrong: the exception its users know, its retries and its limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import openai
import pytest

from governance.domain import Scope
from tests.conformance.skips import OPENAI_NOT_OFFERED
from tests.served import Served, Simulator, Tenant

LUNA = "gpt-6-luna"


def asked(prompt: str, **fields: Any) -> Any:
    return {"model": LUNA, "messages": [{"role": "user", "content": prompt}], **fields}


def client_of(gateway: Served, key: str, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, **options)


def test_a_wrong_key_is_an_authentication_error(gateway: Served) -> None:
    with client_of(gateway, "asahi_live_nobody") as gpt, pytest.raises(openai.AuthenticationError) as raised:
        gpt.chat.completions.create(**asked("Hello"))
    assert raised.value.code == "invalid_api_key"
    assert "asahi_live_nobody" not in str(raised.value)


def test_a_key_without_the_scope_is_denied(gateway: Served, make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant(scopes=(Scope.ANALYTICS,))
    with client_of(gateway, tenant.key) as gpt, pytest.raises(openai.PermissionDeniedError):
        gpt.chat.completions.create(**asked("Hello"))


def test_a_forbidden_model_is_denied(gateway: Served, make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant(allowed_models=["gpt-5.4-mini"])
    with client_of(gateway, tenant.key) as gpt, pytest.raises(openai.PermissionDeniedError):
        gpt.chat.completions.create(**asked("Hello"))


def test_an_unknown_model_is_not_found(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        gpt.chat.completions.create(**asked("Hello", model="gpt-0"))
    assert (raised.value.code, raised.value.type) == ("model_not_found", "invalid_request_error")


@pytest.mark.parametrize(
    ("wrong", "param"),
    [({"messages": []}, "messages"), ({"temperature": "hot"}, "temperature"), ({"max_completion_tokens": -1}, None)],
)
def test_a_wrong_parameter_is_a_bad_request_that_names_it(gpt: openai.OpenAI, wrong: Any, param: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        gpt.chat.completions.create(**asked("Hello") | wrong)
    assert raised.value.type == "invalid_request_error"
    assert param is None or raised.value.param == param


def test_an_exhausted_budget_is_a_rate_limit_error_that_says_when(
    gateway: Served, make_tenant: Callable[..., Tenant]
) -> None:
    tenant = make_tenant(daily_budget_nano=1)
    with client_of(gateway, tenant.key, max_retries=0) as gpt, pytest.raises(openai.RateLimitError) as raised:
        gpt.chat.completions.create(**asked("Hello", max_completion_tokens=10))
    assert raised.value.code == "budget_exceeded"
    assert int(raised.value.response.headers["retry-after"]) > 0


def test_errors_carry_the_request_id(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        gpt.chat.completions.create(**asked("Hello", model="gpt-0"))
    assert raised.value.request_id
    assert raised.value.request_id == raised.value.response.headers["x-asahi-request-id"]


def test_answers_carry_the_request_id(gpt: openai.OpenAI) -> None:
    raw = gpt.chat.completions.with_raw_response.create(**asked("Hello"))
    assert raw.request_id == raw.headers["x-asahi-request-id"]
    assert raw.parse()._request_id == raw.request_id


def test_the_client_tries_again_until_the_provider_recovers(
    gpt: openai.OpenAI, simulator: Simulator, tenant: Tenant, closed_breakers: None
) -> None:
    simulator.faults(error_rate=1.0, error_status=503, times=3)
    assert gpt.chat.completions.create(**asked("Try again")).choices[0].message.content
    assert [entry.cost_nano > 0 for entry in tenant.ledger(2)] == [False, True]


def test_a_provider_that_stays_down_is_an_internal_server_error(
    gpt: openai.OpenAI, simulator: Simulator, closed_breakers: None
) -> None:
    simulator.faults(error_rate=1.0, error_status=500)
    with pytest.raises(openai.InternalServerError) as raised:
        gpt.with_options(max_retries=0).chat.completions.create(**asked("Down"))
    assert raised.value.status_code == 503
    assert raised.value.code == "provider_failed"


def test_the_client_s_own_timeout_holds(gpt: openai.OpenAI, simulator: Simulator) -> None:
    simulator.faults(latency_ms=5000, times=1)
    began = time.monotonic()
    with pytest.raises(openai.APITimeoutError):
        gpt.with_options(timeout=0.3, max_retries=0).chat.completions.create(**asked("Too slow"))
    assert time.monotonic() - began < 2
    assert gpt.with_options(timeout=20).chat.completions.create(**asked("Soon enough")).choices


@pytest.mark.parametrize("resource", sorted({"fine_tuning", "moderations", "images", "completions"}))
def test_what_is_not_offered_is_not_found(gpt: openai.OpenAI, resource: str) -> None:
    assert resource in OPENAI_NOT_OFFERED
    calls: dict[str, Callable[[], object]] = {
        "fine_tuning": gpt.fine_tuning.jobs.list,
        "moderations": lambda: gpt.moderations.create(input="Hello"),
        "images": lambda: gpt.images.generate(prompt="The sea"),
        "completions": lambda: gpt.completions.create(model=LUNA, prompt="Hello"),
    }
    with pytest.raises(openai.NotFoundError) as raised:
        calls[resource]()
    assert raised.value.type == "invalid_request_error"


def test_every_resource_of_the_client_is_served_or_listed(gpt: openai.OpenAI) -> None:
    offered = {"chat", "embeddings", "models", "responses", "files", "batches"}
    known = {name for name, kind in vars(openai.OpenAI).items() if isinstance(kind, cached_property)}
    assert known - {"with_raw_response", "with_streaming_response"} == offered | set(OPENAI_NOT_OFFERED)
