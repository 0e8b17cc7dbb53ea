"""Every answer's receipt can be checked by whoever got it, and says what its headers said; streams are told nothing
else than what their provider says, and have their cost on the receipt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import pytest

from inference import catalog
from inference.domain import Extras, Usage
from tests.gateway.conftest import Served, Simulator, Tenant, events_of
from tests.gateway.raw_provider import ANSWER, RawProvider, chunk, event, in_place_of, stream, whole

HEADERS = (
    "x-asahi-request-id", "x-asahi-model", "x-asahi-cache", "x-asahi-cost", "x-asahi-cost-original",
    "x-asahi-savings-percent", "x-asahi-routing-reason",
)  # fmt: skip
MONEY = HEADERS[3:6]


@pytest.fixture
def raw(gateway: Served) -> Iterator[RawProvider]:
    with in_place_of("openai", "anthropic") as provider:
        yield provider


def receipt_of(gateway: Served, tenant: Tenant, answer: httpx.Response) -> dict[str, Any]:
    """Once it is recorded and final."""
    assert answer.status_code == 200, answer.text
    path = f"/v1/receipts/{answer.headers['x-asahi-request-id']}"
    deadline = time.monotonic() + 10
    while True:
        found = gateway.http.get(path, headers=tenant.headers)
        if found.status_code == 200 and found.json()["status"] == "final":
            return dict(found.json())
        assert time.monotonic() < deadline, found.text
        time.sleep(0.05)


def check(receipt: dict[str, Any]) -> None:
    """By hand: multiply, add, round once."""
    for items, amount in (("line_items", "cost_exact"), ("line_items_original", "cost_original_exact")):
        counted = [item for item in receipt[items] if item["count"] is not None]
        total = sum((item["count"] * Decimal(item["rate_exact"]) / item["rate_per"] for item in counted), Decimal(0))
        assert total.quantize(Decimal("1e-9"), ROUND_HALF_UP) == Decimal(receipt[amount])
    saved = sum((Decimal(part["amount_exact"]) for part in receipt["savings_by_technique"]), Decimal(0))
    assert saved - Decimal(receipt["own_spend_exact"]) == Decimal(receipt["cost_savings_exact"])


def lines(items: list[dict[str, Any]]) -> dict[str, tuple[int, str]]:
    return {item["item"]: (item["count"], item["rate_exact"]) for item in items if item["count"] is not None}


def test_an_answers_headers_say_what_its_receipt_says(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    first, second = (gateway.chat(tenant, "What does a receipt say?") for _ in range(2))
    for answer, tier in ((first, "miss"), (second, "t1")):
        receipt = receipt_of(gateway, tenant, answer)
        assert [name for name in HEADERS if name not in answer.headers] == []
        assert answer.headers["x-asahi-cache"] == tier
        assert answer.headers["x-asahi-model"] == receipt["model_used"]
        assert answer.headers["x-asahi-cost"] == receipt["cost_exact"]
        assert answer.headers["x-asahi-cost-original"] == receipt["cost_original_exact"]
        assert answer.headers["x-asahi-routing-reason"] == receipt["routing_reason"]
        percent = Decimal(str(receipt["cost_savings_percent"])).quantize(Decimal("0.01"))
        assert abs(Decimal(answer.headers["x-asahi-savings-percent"]) - percent) <= Decimal("0.01")
        assert receipt["price_version"] == catalog.price_book().version
        assert receipt["priced_at"] is not None
        check(receipt)
    assert [part["technique"] for part in receipt_of(gateway, tenant, first)["savings_by_technique"]] == ["routing"]
    hit = receipt_of(gateway, tenant, second)
    assert (hit["line_items"], hit["savings_by_technique"][0]["technique"]) == ([], "cache_t1")
    assert hit["line_items_original"] == receipt_of(gateway, tenant, first)["line_items_original"]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_streams_cost_is_on_its_receipt_and_its_usage_as_the_provider_tells_it(
    gateway: Served, tenant: Tenant, raw: RawProvider, wanted: bool
) -> None:
    usage = {**ANSWER["usage"], "prompt_tokens_details": {"cached_tokens": 3, "novel_tokens": 1}}  # type: ignore[dict-item]
    raw.answers(stream(chunk("hello"), chunk(None), event({**USAGE_CHUNK, "usage": usage}), event(b"[DONE]")))
    options = {"stream_options": {"include_usage": True}} if wanted else {}
    answer = gateway.chat(tenant, f"count {wanted}", model="gpt-6-luna", stream=True, **options)
    assert [name for name in HEADERS if name not in answer.headers] == list(MONEY)
    told = [event["usage"] for event in events_of(answer.text) if event.get("usage")]
    assert told == ([usage] if wanted else [])
    receipt = receipt_of(gateway, tenant, answer)
    assert lines(receipt["line_items"]) == {"input": (2, "0.1"), "cached_input": (3, "0.01"), "output": (2, "0.5")}
    check(receipt)


USAGE_CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}


def test_a_replayed_streams_headers_know_its_cost(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    gateway.chat(tenant, "stream me later")
    answer = gateway.chat(tenant, "stream me later", stream=True)
    assert answer.headers["x-asahi-cache"] == "t1"
    assert [name for name in HEADERS if name not in answer.headers] == []
    receipt = receipt_of(gateway, tenant, answer)
    assert answer.headers["x-asahi-cost-original"] == receipt["cost_original_exact"]


def test_a_service_is_billed_as_it_was_given_and_a_repeat_as_it_asks(
    gateway: Served, tenant: Tenant, raw: RawProvider
) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    raw.answers(whole({**ANSWER, "usage": usage, "service_tier": "flex"}))
    flexible = gateway.chat(tenant, "no hurry", model="gpt-6.1-sol", service_tier="flex")
    paid = receipt_of(gateway, tenant, flexible)
    assert (paid["service_tier"], paid["service_tier_original"]) == ("flex", "flex")
    assert lines(paid["line_items"]) == {"input": (1000, "1"), "output": (100, "5")}
    repeat = gateway.chat(tenant, "no hurry", model="gpt-6.1-sol")
    assert repeat.headers["x-asahi-cache"] == "t1"
    receipt = receipt_of(gateway, tenant, repeat)
    assert receipt["service_tier_original"] == "standard"
    assert lines(receipt["line_items_original"]) == {"input": (1000, "2"), "output": (100, "10")}
    check(paid)
    check(receipt)


def test_searches_and_caches_written_for_an_hour_are_on_the_receipt(
    gateway: Served, tenant: Tenant, raw: RawProvider
) -> None:
    usage = {
        "input_tokens": 100, "output_tokens": 50, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 50,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}, "something_new": {"a": 1},
    }  # fmt: skip
    answer = {
        "id": "m", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "stop_sequence": None,
        "content": [{"type": "text", "text": "found"}], "stop_reason": "end_turn", "usage": usage,
    }  # fmt: skip
    raw.answers(whole(answer))
    body = {
        "model": "claude-sonnet-5-5", "max_tokens": 200, "messages": [{"role": "user", "content": "search"}],
        "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}],
    }  # fmt: skip
    receipt = receipt_of(gateway, tenant, gateway.http.post("/v1/messages", json=body, headers=tenant.headers))
    assert lines(receipt["line_items"]) == {
        "input": (100, "2"), "cached_input": (30, "0.1"), "cache_write": (20, "2.5"), "cache_write_1h": (30, "4"),
        "output": (50, "10"), "web_search": (2, "10"),
    }  # fmt: skip
    check(receipt)
    model = catalog.registry().find("claude-sonnet-5-5")
    assert model is not None
    used = Usage(180, 50, 30, 50, 30, extras=Extras(web_searches=2))
    assert tenant.ledger(1)[0].cost_nano == catalog.price_book().price(model, used)


@pytest.mark.parametrize(
    "usage",
    [
        None, 7, {}, {"prompt_tokens": -5, "completion_tokens": 2}, {"prompt_tokens": 10**13, "completion_tokens": 1},
        {"prompt_tokens": 1.5, "completion_tokens": 2}, {"prompt_tokens": 5, "completion_tokens": "2"},
        {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"audio_tokens": 99}},
    ],
)  # fmt: skip
def test_a_usage_that_cannot_be_true_is_estimated_and_never_negative(
    gateway: Served, tenant: Tenant, raw: RawProvider, usage: Any
) -> None:
    raw.answers(whole({**ANSWER, "usage": usage}))
    receipt = receipt_of(gateway, tenant, gateway.chat(tenant, f"odd {usage}", model="gpt-6-luna"))
    assert receipt["usage_estimated"] is True
    assert receipt["cost"] > 0
    assert all(item["amount"] > 0 for item in receipt["line_items"] if item["count"] is not None)
    check(receipt)
