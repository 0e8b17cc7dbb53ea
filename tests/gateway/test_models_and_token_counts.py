"""The model list in both shapes, one model by its names, and how long a prompt is."""

from __future__ import annotations

import httpx
import pytest
from anthropic.types import ModelInfo

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
    listed = gateway.http.get("/v1/models?limit=1000", headers={**tenant.headers, **ANTHROPIC}).json()
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


def anthropic(gateway: Served, tenant: Tenant, path: str, **params: str | int) -> httpx.Response:
    return gateway.http.get(path, params=params, headers={**tenant.headers, **ANTHROPIC})


def test_anthropics_list_comes_in_pages_both_ways(gateway: Served, tenant: Tenant) -> None:
    everything = anthropic(gateway, tenant, "/v1/models", limit=1000).json()
    names = [model["id"] for model in everything["data"]]
    assert everything["has_more"] is False
    assert len(names) > 20
    first = anthropic(gateway, tenant, "/v1/models").json()
    assert ([model["id"] for model in first["data"]], first["has_more"]) == (names[:20], True)
    assert (first["first_id"], first["last_id"]) == (names[0], names[19])
    read, page = [], anthropic(gateway, tenant, "/v1/models", limit=7).json()
    while True:
        read += [model["id"] for model in page["data"]]
        if not page["has_more"]:
            break
        page = anthropic(gateway, tenant, "/v1/models", limit=7, after_id=page["last_id"]).json()
    assert read == names
    back = anthropic(gateway, tenant, "/v1/models", limit=5, before_id=names[10]).json()
    assert ([model["id"] for model in back["data"]], back["has_more"]) == (names[5:10], True)
    none = anthropic(gateway, tenant, "/v1/models", before_id=names[0]).json()
    assert none == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize(
    "params",
    [{"limit": 0}, {"limit": 1001}, {"limit": "many"}, {"after_id": "gpt-7000"}, {"before_id": "\x00"}],
)
def test_a_page_that_cannot_be_is_refused_in_anthropics_shape(
    gateway: Served, tenant: Tenant, params: dict[str, str | int]
) -> None:
    answer = anthropic(gateway, tenant, "/v1/models", **params)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_model_that_the_policy_denies_is_no_place_in_the_list(gateway: Served, tenant: Tenant) -> None:
    tenant.policy(denied_models=["gpt-6-astra"])
    assert anthropic(gateway, tenant, "/v1/models", after_id="gpt-6-astra").status_code == 400
    missing = anthropic(gateway, tenant, "/v1/models/gpt-6-astra")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found_error")


def test_every_model_has_what_anthropics_client_requires(gateway: Served, tenant: Tenant) -> None:
    for described in anthropic(gateway, tenant, "/v1/models", limit=1000).json()["data"]:
        model = ModelInfo.model_validate(described, strict=False)
        assert set(described) >= {name for name, field in ModelInfo.model_fields.items() if field.is_required()}
        assert model.line == (described["id"].split("-")[1] if described["id"].startswith("claude-") else None)
    one = ModelInfo.model_validate(anthropic(gateway, tenant, "/v1/models/claude-haiku-5-5").json())
    assert (one.lifecycle, one.line, one.max_input_tokens, one.max_tokens) == ("active", "haiku", 1_000_000, 128_000)


def test_the_model_list_names_its_request(gateway: Served, tenant: Tenant) -> None:
    for path in ("/v1/models", "/v1/models/gpt-6-luna"):
        for headers in ({}, ANTHROPIC):
            answer = gateway.http.get(path, headers={**tenant.headers, **headers})
            assert answer.headers["x-request-id"] == answer.headers["request-id"]
            assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize("path", ["/v1/files", "/v1/files/file-1", "/v1/batches", "/v1/responses/resp_1"])
def test_anthropics_client_is_told_which_routes_speak_openais_alone(gateway: Served, tenant: Tenant, path: str) -> None:
    answer = anthropic(gateway, tenant, path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "not_found_error"
    assert "OpenAI" in answer.json()["error"]["message"]


def test_an_unknown_address_is_told_to_each_client_in_its_own_shape(gateway: Served, tenant: Tenant) -> None:
    assert anthropic(gateway, tenant, "/v1/skills").json()["type"] == "error"
    assert "type" not in gateway.http.get("/v1/skills", headers=tenant.headers).json()


def test_a_header_of_anthropics_does_not_keep_openais_answer_away(gateway: Served, tenant: Tenant) -> None:
    assert gateway.chat(tenant, "hello", headers=ANTHROPIC, model="gpt-6-luna").json()["object"] == "chat.completion"
    refused = gateway.chat(tenant, "hello", headers=ANTHROPIC, model="gpt-7000")
    assert refused.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "gpt-6-luna", "input": "x"}),
        ("/v1/chat/completions", {"model": "text-embedding-3-small", "messages": [{"role": "user", "content": "x"}]}),
        ("/v1/responses", {"model": "text-embedding-3-small", "input": "x"}),
    ],
)
def test_a_model_of_the_other_kind_is_refused_by_the_field_that_names_it(
    gateway: Served, tenant: Tenant, path: str, body: dict[str, object]
) -> None:
    answer = gateway.http.post(path, json=body, headers=tenant.headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model")


def test_an_embedding_model_counts_no_messages(gateway: Served, tenant: Tenant) -> None:
    assert count(gateway, tenant, model="text-embedding-3-small")[0] == 400


SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "description": "A city by its full name"}}}
TOOLS = [{"name": name, "description": f"Tells of {name}", "input_schema": SCHEMA} for name in ("weather", "roads")]
PICTURE = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
ASKED = {"role": "user", "content": "And in Nagoya, say, how is the weather there today?"}
CALLED = [
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "Rain, and more rain later"}]},
]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [ASKED], "system": "Answer briefly, and only what you know for certain."},
        {"messages": [{"role": "user", "content": "The sea is wide and the ships are many. " * 2000}]},
        {"messages": [ASKED, {"role": "assistant", "content": "It rains."}] * 20 + [ASKED]},
        {"messages": [ASKED], "tools": TOOLS},
        {"messages": [ASKED, *CALLED], "tools": TOOLS},
        {"messages": [{"role": "user", "content": [PICTURE, {"type": "text", "text": "What is this?"}]}]},
        {"messages": [{"role": "user", "content": [PICTURE] * 5}]},
    ],
    ids=["short", "long", "many turns", "tools", "tool results", "a picture", "pictures"],
)
@pytest.mark.parametrize("model", ["gpt-6-luna", "command-a"])
def test_our_own_count_is_near_the_providers(
    gateway: Served, tenant: Tenant, simulator: Simulator, model: str, body: dict[str, object]
) -> None:
    if model == "command-a" and "image" in str(body):
        return  # it sees none
    asked = {**body, "model": model, "max_tokens": 9}
    answer = gateway.http.post("/v1/messages", json=asked, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    (worked,) = simulator.calls()
    status, _, counted = count(gateway, tenant, **{"model": model, **body})
    assert (status, counted["input_tokens"]) == (200, pytest.approx(worked["input_tokens"], rel=0.1))


@pytest.mark.parametrize(
    "content", [[{"type": "image"}], [{"type": "document", "source": {"type": "base64", "data": "no base64"}}], []]
)
def test_odd_content_is_counted_or_refused_and_breaks_nothing(
    gateway: Served, tenant: Tenant, content: list[object]
) -> None:
    for model in ("gpt-6-luna", "asahi"):
        assert count(gateway, tenant, model=model, messages=[{"role": "user", "content": content}])[0] in (200, 400)
