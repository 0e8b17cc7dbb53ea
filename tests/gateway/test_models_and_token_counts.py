"""The model list in both shapes, one model by its names, and how long a prompt is."""

from __future__ import annotations

from tests.gateway.conftest import Served, Simulator, Tenant

ANTHROPIC = {"anthropic-version": "2023-06-01"}


def test_a_model_is_described_by_any_of_its_names(gateway: Served, tenant: Tenant) -> None:
    for name in ("gpt-6-luna", "openai/gpt-6-luna"):
        answer = gateway.http.get(f"/v1/models/{name}", headers=tenant.headers)
        assert answer.status_code == 200
        assert answer.json()["id"] == "gpt-6-luna"
    assert gateway.http.get("/v1/models/asahi/auto", headers=tenant.headers).json()["owned_by"] == "asahi"


def test_a_model_that_does_not_exist_or_is_not_allowed_is_not_found(gateway: Served, tenant: Tenant) -> None:
    tenant.policy(denied_models=["gpt-6-astra"])
    for name in ("gpt-7000", "gpt-6-astra"):
        answer = gateway.http.get(f"/v1/models/{name}", headers=tenant.headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_anthropics_clients_get_their_own_shape(gateway: Served, tenant: Tenant) -> None:
    listed = gateway.http.get("/v1/models", headers={**tenant.headers, **ANTHROPIC}).json()
    assert listed["has_more"] is False
    assert listed["data"][0]["type"] == "model"
    assert "claude-haiku-5-5" in [model["id"] for model in listed["data"]]
    one = gateway.http.get("/v1/models/claude-haiku-5-5", headers={**tenant.headers, **ANTHROPIC}).json()
    assert (one["type"], one["id"]) == ("model", "claude-haiku-5-5")


def count(gateway: Served, tenant: Tenant, **body: object) -> tuple[int, dict[str, str], dict[str, object]]:
    asked = {"messages": [{"role": "user", "content": "How long is this?"}], **body}
    answer = gateway.http.post("/v1/messages/count_tokens", json=asked, headers=tenant.headers)
    return answer.status_code, dict(answer.headers), answer.json()


def test_a_claude_models_provider_is_asked_for_the_count(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    status, headers, counted = count(gateway, tenant, model="claude-haiku-5-5")
    assert status == 200
    assert "x-asahi-token-count" not in headers
    message = gateway.http.post(
        "/v1/messages",
        json={
            "model": "claude-haiku-5-5",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "How long is this?"}],
        },
        headers=tenant.headers,
    )
    assert counted == {"input_tokens": message.json()["usage"]["input_tokens"]}
    tenant.ledger(1)


def test_other_models_get_our_own_count_which_says_so(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    asked = {"model": "gpt-6-luna", "max_tokens": 9, "messages": [{"role": "user", "content": "How long is this?"}]}
    gateway.http.post("/v1/messages", json=asked, headers=tenant.headers)
    (worked,) = simulator.calls()
    for model in ("gpt-6-luna", "asahi"):
        status, headers, counted = count(gateway, tenant, model=model)
        assert (status, headers["x-asahi-token-count"]) == (200, "estimated")
        assert counted == {"input_tokens": worked["input_tokens"]}


def test_what_cannot_be_counted_is_refused(gateway: Served, tenant: Tenant) -> None:
    tenant.policy(denied_models=["claude-opus-5-5"])
    assert count(gateway, tenant, model="claude-9000")[0] == 404
    assert count(gateway, tenant, model="claude-opus-5-5")[0] == 403
    status, _, answer = count(gateway, tenant, messages="no list")
    assert (status, answer["type"]) == (400, "error")
