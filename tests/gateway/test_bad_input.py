"""Bad input gets a clear error in the right shape, is never a 500, and is never charged."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from governance.domain import Scope
from governance.keys import issue_key
from tests.gateway.conftest import Served, Simulator, Tenant

CHAT, MESSAGES, INFER = "/v1/chat/completions", "/v1/messages", "/infer"
HELLO = [{"role": "user", "content": "hello"}]

BAD_CHAT_BODIES: list[tuple[str, bytes | dict[str, Any], int, str]] = [
    ("no body", b"", 400, "JSON"),
    ("not JSON", b"{'a': 1}", 400, "JSON"),
    ("cut off", b'{"messages": [', 400, "JSON"),
    ("not UTF-8", b'{"model": "\xff\xfe"}', 400, "JSON"),
    ("a lone surrogate", b'{"messages": [{"role": "user", "content": "\\ud800"}]}', 400, "JSON"),
    ("a raw control character", b'{"messages": [{"role": "user", "content": "\x01"}]}', 400, "JSON"),
    ("NaN", b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', 400, "JSON"),
    ("a list", b"[1, 2]", 400, "object"),
    ("nested without end", b'{"a":' * 100_000, 400, "nested"),
    ("nested deeply", b'{"a":' * 5000 + b"1" + b"}" * 5000, 400, ""),
    ("no messages", {"model": "asahi"}, 400, "messages"),
    ("empty messages", {"model": "asahi", "messages": []}, 400, "messages"),
    ("messages of a wrong type", {"messages": "hello"}, 400, "messages"),
    ("an unknown role", {"messages": [{"role": "king", "content": "x"}]}, 400, "role"),
    ("content of a wrong type", {"messages": [{"role": "user", "content": 7}]}, 400, "content"),
    ("a model of a wrong type", {"model": 7, "messages": HELLO}, 400, "model"),
    ("max_tokens of a wrong type", {"messages": HELLO, "max_tokens": "many"}, 400, "max_tokens"),
    ("negative max_tokens", {"messages": HELLO, "max_tokens": -1}, 400, "max_tokens"),
    ("stream of a wrong type", {"messages": HELLO, "stream": "yes"}, 400, "stream"),
    ("a temperature out of range", {"messages": HELLO, "temperature": 9}, 400, "temperature"),
    ("an unknown model", {"model": "gpt-99", "messages": HELLO}, 404, "gpt-99"),
    ("a retired model", {"model": "gpt-4", "messages": HELLO}, 404, "retired"),
]


@pytest.mark.parametrize(("_", "body", "status", "names"), BAD_CHAT_BODIES, ids=[row[0] for row in BAD_CHAT_BODIES])
def test_a_bad_chat_body_is_named_in_openai_shape(
    gateway: Served, tenant: Tenant, simulator: Simulator, _: str, body: bytes | dict[str, Any], status: int, names: str
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = gateway.http.post(CHAT, content=raw, headers=tenant.headers)
    error = answer.json()["error"]
    assert (answer.status_code, sorted(error)[:4]) == (status, ["code", "message", "param", "request_id"])
    assert names in error["message"]
    assert answer.headers["x-asahi-request-id"] == error["request_id"]
    assert simulator.calls() == []


def test_a_bad_message_request_is_named_in_anthropic_shape(gateway: Served, tenant: Tenant) -> None:
    answer = gateway.http.post(MESSAGES, json={"model": "asahi", "messages": HELLO}, headers=tenant.headers)
    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    assert "max_tokens" in answer.json()["error"]["message"]
    unknown = {"model": "claude-99", "messages": HELLO, "max_tokens": 5}
    answer = gateway.http.post(MESSAGES, json=unknown, headers=tenant.headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "prompt"),
        ({"prompt": "x", "messages": HELLO}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x", "colour": "red"}, "colour"),
        ({"prompt": "x", "latency_budget_ms": 0}, "latency_budget_ms"),
        ({"prompt": "x", "quality_threshold": 2}, "quality_threshold"),
        ({"prompt": "x", "routing_mode": "magic"}, "routing_mode"),
        ({"prompt": "x", "routing_mode": "explicit"}, "routing_mode"),
        ({"prompt": "x", "routing_mode": "autopilot", "model_override": "gpt-6-luna"}, "routing_mode"),
        ({"prompt": "x", "user_id": "a\u0000b"}, "user_id"),
        ({"prompt": "x", "tags": ["a\nb"]}, "tags"),
    ],
)
def test_a_bad_native_call_is_named_in_asahi_shape(
    gateway: Served, tenant: Tenant, body: dict[str, Any], names: str
) -> None:
    answer = gateway.http.post(INFER, json=body, headers=tenant.headers)
    assert answer.status_code == 422, answer.text
    assert set(answer.json()["error"]) == {"type", "message", "request_id", "details"}
    assert names in answer.json()["error"]["message"]


def test_an_unknown_model_of_the_native_call_is_a_400(gateway: Served, tenant: Tenant) -> None:
    answer = gateway.http.post(INFER, json={"prompt": "x", "model_override": "gpt-99"}, headers=tenant.headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "unknown_model")


@pytest.mark.parametrize(
    "header",
    [
        {"x-asahi-routing": "magic"},
        {"x-asahi-routing": "explicit"},
        {"x-asahi-cache": "sometimes"},
        {"x-asahi-quality": "1.5"},
        {"x-asahi-quality": "superb"},
        {"x-asahi-latency-ms": "soon"},
        {"x-asahi-latency-ms": "-5"},
        {"x-asahi-max-cost": "cheap"},
        {"x-asahi-max-cost": "-1"},
        {"x-asahi-max-cost": "NaN"},
        {"x-asahi-tags": "a" * 101},
        {"x-asahi-tags": ",".join("abcdefghijklm")},
        {"x-asahi-user": "u" * 201},
        {"x-asahi-candidates": "gpt-99"},
    ],
    ids=str,
)
def test_a_header_that_cannot_be_understood_is_refused_by_name(
    gateway: Served, tenant: Tenant, header: dict[str, str]
) -> None:
    answer = gateway.chat(tenant, "hello", headers=header)
    assert answer.status_code in {400, 404}
    assert next(iter(header)) in answer.text or "gpt-99" in answer.text


@pytest.mark.parametrize("path", [CHAT, MESSAGES, INFER, "/models", "/v1/models"])
@pytest.mark.parametrize("key", ["", "wrong", "asahi_live_" + "x" * 42, "Ä", "k" * 10_000])
def test_a_wrong_key_is_401_in_the_right_shape(gateway: Served, path: str, key: str) -> None:
    method = "GET" if path.endswith("models") else "POST"
    answer = gateway.http.request(method, path, json=None, headers={"x-api-key": key.encode()})
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert error["type"] in {"authentication_error", "invalid_request_error", "unauthenticated"}
    assert key not in answer.text or not key


def test_an_expired_key_is_401(gateway: Served, tenant: Tenant) -> None:
    past = timezone.now() - timedelta(seconds=1)
    expired = issue_key(org_id=tenant.org_id, name="old", scopes=[Scope.ALL], expires_at=past)
    answer = gateway.http.post(CHAT, json={"messages": HELLO}, headers={"x-api-key": expired.secret})
    assert answer.status_code == 401
    assert "expired" in answer.text


def test_a_key_without_the_scope_is_403(gateway: Served, make_tenant: Any) -> None:
    analyst = make_tenant(scopes=(Scope.ANALYTICS,))
    answer = gateway.chat(analyst, "hello")
    assert answer.status_code == 403
    assert "infer" in answer.text


def test_a_body_over_the_limit_is_413_and_not_read_to_its_end(gateway: Served, tenant: Tenant) -> None:
    answer = gateway.http.post(CHAT, content=b"x" * (10 * 1024 * 1024), headers=tenant.headers)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


def test_a_body_over_the_limit_in_chunks_is_413(gateway: Served, tenant: Tenant) -> None:
    answer = gateway.http.post(CHAT, content=(b"x" * 65536 for _ in range(200)), headers=tenant.headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["5", "999999", "-1", "1, 2", "abc", "99999999999999999999"])
def test_a_content_length_that_lies_is_never_a_500(gateway: Served, tenant: Tenant, length: str) -> None:
    body = json.dumps({"messages": HELLO}).encode()
    address = urlsplit(gateway.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5) as raw:
        head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nx-api-key: {tenant.key}\r\ncontent-length: {length}\r\n\r\n"
        raw.sendall(head.encode() + body)
        raw.shutdown(socket.SHUT_WR)
        reply = raw.recv(65536)
    assert not reply or reply.split(b" ")[1] in {b"400", b"413"}, reply[:200]


def test_control_characters_in_a_prompt_are_just_text(gateway: Served, tenant: Tenant) -> None:
    answer = gateway.chat(tenant, "a\u0000b\u0007c\u200b")
    assert answer.status_code == 200
    assert tenant.ledger(1)[0].status == 200


@pytest.mark.parametrize(
    ("path", "method"), [(CHAT, "GET"), (MESSAGES, "PUT"), (INFER, "DELETE"), ("/v1/models", "POST")]
)
def test_a_wrong_method_is_405_in_the_right_shape(gateway: Served, tenant: Tenant, path: str, method: str) -> None:
    answer = gateway.http.request(method, path, headers=tenant.headers)
    assert answer.status_code == 405
    assert "error" in answer.json()
    assert answer.headers["allow"]


def test_an_unknown_path_is_404_in_the_right_shape(gateway: Served, tenant: Tenant) -> None:
    answer = gateway.http.post("/v1/no/such", headers=tenant.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
