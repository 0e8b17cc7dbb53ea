"""The official `anthropic` client when something is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import anthropic
import pytest

from governance.domain import Scope
from tests.conformance.skips import ANTHROPIC_NOT_OFFERED
from tests.served import Served, Simulator, Tenant

HAIKU = "claude-haiku-5-5"


def asked(prompt: str, **fields: Any) -> Any:
    return {"model": HAIKU, "max_tokens": 50, "messages": [{"role": "user", "content": prompt}], **fields}


def kind_of(error: anthropic.APIStatusError) -> str:
    """The type inside the error's body, as Anthropic nests it."""
    assert isinstance(error.body, dict)
    assert error.body["type"] == "error"
    return str(error.body["error"]["type"])


def test_a_wrong_key_is_an_authentication_error(gateway: Served) -> None:
    claude = anthropic.Anthropic(base_url=gateway.url, api_key="asahi_live_nobody")
    with claude, pytest.raises(anthropic.AuthenticationError) as raised:
        claude.messages.create(**asked("Hello"))
    assert kind_of(raised.value) == "authentication_error"


def test_a_key_without_the_scope_is_denied(gateway: Served, make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant(scopes=(Scope.ANALYTICS,))
    claude = anthropic.Anthropic(base_url=gateway.url, api_key=tenant.key)
    with claude, pytest.raises(anthropic.PermissionDeniedError) as raised:
        claude.messages.create(**asked("Hello"))
    assert kind_of(raised.value) == "permission_error"


def test_an_unknown_model_is_not_found(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as raised:
        claude.messages.create(**asked("Hello", model="claude-0"))
    assert kind_of(raised.value) == "not_found_error"


@pytest.mark.parametrize("wrong", [{"messages": []}, {"max_tokens": -1}, {"tools": [{"name": "?"}]}], ids="-".join)
def test_a_wrong_parameter_is_a_bad_request(claude: anthropic.Anthropic, wrong: Any) -> None:
    with pytest.raises(anthropic.BadRequestError) as raised:
        claude.messages.create(**asked("Hello", **wrong))
    assert kind_of(raised.value) == "invalid_request_error"


def test_an_exhausted_budget_is_a_rate_limit_error_that_says_when(
    gateway: Served, make_tenant: Callable[..., Tenant]
) -> None:
    tenant = make_tenant(daily_budget_nano=1)
    claude = anthropic.Anthropic(base_url=gateway.url, api_key=tenant.key, max_retries=0)
    with claude, pytest.raises(anthropic.RateLimitError) as raised:
        claude.messages.create(**asked("Hello"))
    assert kind_of(raised.value) == "rate_limit_error"
    assert int(raised.value.response.headers["retry-after"]) > 0


def test_answers_and_errors_carry_the_request_id(claude: anthropic.Anthropic) -> None:
    raw = claude.messages.with_raw_response.create(**asked("Hello"))
    assert raw.parse()._request_id == raw.headers["x-asahi-request-id"]
    with pytest.raises(anthropic.NotFoundError) as raised:
        claude.messages.create(**asked("Hello", model="claude-0"))
    assert raised.value.request_id == raised.value.response.headers["x-asahi-request-id"]
    assert isinstance(raised.value.body, dict)
    assert raised.value.body["request_id"] == raised.value.request_id


def test_the_client_tries_again_until_the_provider_recovers(
    claude: anthropic.Anthropic, simulator: Simulator, tenant: Tenant, closed_breakers: None
) -> None:
    simulator.faults(error_rate=1.0, error_status=529, times=3)
    assert claude.messages.create(**asked("Try again")).content
    assert [entry.cost_nano > 0 for entry in tenant.ledger(2)] == [False, True]


def test_the_client_s_own_timeout_holds(claude: anthropic.Anthropic, simulator: Simulator) -> None:
    simulator.faults(latency_ms=5000, times=1)
    began = time.monotonic()
    with pytest.raises(anthropic.APITimeoutError):
        claude.with_options(timeout=0.3, max_retries=0).messages.create(**asked("Too slow"))
    assert time.monotonic() - began < 2
    assert claude.messages.create(**asked("Soon enough")).content


def test_the_models_are_listed_for_this_client_too(claude: anthropic.Anthropic) -> None:
    models = list(claude.models.list())
    assert HAIKU in {model.id for model in models}
    haiku = next(model for model in models if model.id == HAIKU)
    assert (haiku.type, bool(haiku.display_name)) == ("model", True)


def test_what_is_not_offered_is_not_found(claude: anthropic.Anthropic) -> None:
    for call in (claude.skills.list, claude.user_profiles.list):
        with pytest.raises(anthropic.NotFoundError):
            call()


def test_every_resource_of_the_client_is_served_or_listed() -> None:
    known = {name for name, kind in vars(anthropic.Anthropic).items() if isinstance(kind, cached_property)}
    offered = {"messages", "models", "beta"}
    assert known - {"with_raw_response", "with_streaming_response"} == offered | set(ANTHROPIC_NOT_OFFERED)
