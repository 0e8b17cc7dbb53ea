"""Embeddings through the gateway: admitted, cached exactly, priced by input alone."""

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import Served, Simulator, Tenant

MODEL = "text-embedding-3-small"


def embed(gateway: Served, tenant: Tenant, **body: Any) -> httpx.Response:
    asked = {"model": MODEL, "input": "a red fox", **body}
    return gateway.http.post("/v1/embeddings", json=asked, headers=tenant.headers)


def test_texts_become_vectors_and_cost_their_input(gateway: Served, tenant: Tenant) -> None:
    answer = embed(gateway, tenant, input=["a red fox", "a blue whale"])
    assert answer.status_code == 200
    body = answer.json()
    assert [item["index"] for item in body["data"]] == [0, 1]
    assert body["usage"]["prompt_tokens"] > 0
    (entry,) = tenant.ledger(1)
    assert (entry.input_tokens, entry.output_tokens) == (body["usage"]["prompt_tokens"], 0)
    assert entry.cost_nano == entry.input_tokens * 20  # 0.02 USD per million tokens
    assert entry.model == MODEL


def test_the_same_texts_again_are_answered_from_t1(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    before = len(simulator.calls())
    first, second = embed(gateway, tenant, input="once"), embed(gateway, tenant, input="once", user="somebody")
    assert second.headers["x-asahi-cache"] == "t1"
    assert first.json()["data"] == second.json()["data"]
    assert len(simulator.calls()) == before + 1


def test_another_encoding_or_dimension_is_another_answer(gateway: Served, tenant: Tenant) -> None:
    whole = embed(gateway, tenant).json()["data"][0]["embedding"]
    packed = embed(gateway, tenant, encoding_format="base64")
    assert packed.headers["x-asahi-cache"] == "miss"
    raw = base64.b64decode(packed.json()["data"][0]["embedding"])
    assert struct.unpack(f"<{len(raw) // 4}f", raw) == pytest.approx(whole, abs=1e-6)
    short = embed(gateway, tenant, dimensions=8)
    assert short.headers["x-asahi-cache"] == "miss"
    assert len(short.json()["data"][0]["embedding"]) == 8


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": None}, "model"),
        ({"model": "asahi"}, "model"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": ["a", 7]}, "input[1]"),
        ({"input": [1, "a"]}, "input[1]"),
        ({"input": ["a"] * 2049}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"stream": True}, "stream"),
    ],
)
def test_what_is_wrong_is_named_and_costs_nothing(
    gateway: Served, tenant: Tenant, body: dict[str, Any], param: str
) -> None:
    answer = embed(gateway, tenant, **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    tenant.ledger(0)


def test_a_model_of_the_other_kind_is_refused_by_name(gateway: Served, tenant: Tenant) -> None:
    answer = embed(gateway, tenant, model="gpt-6-luna")
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "gpt-6-luna makes no embeddings.")
    chat = gateway.http.post(
        "/v1/chat/completions",
        json={"model": MODEL, "messages": [{"role": "user", "content": "hi"}]},
        headers=tenant.headers,
    )
    assert chat.status_code == 400
    assert "/v1/embeddings" in chat.json()["error"]["message"]
