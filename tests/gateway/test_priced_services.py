"""Ways of being served that cost more or less than the standard one: reserved at the worst, billed as served."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inference import catalog
from inference.domain import Model, Usage
from inference.wire.usage import messages_usage
from tests.gateway.conftest import Served, Tenant
from tests.gateway.raw_provider import RawProvider, event, in_place_of, stream, whole

MESSAGE = {
    "id": "m", "type": "message", "role": "assistant", "model": "claude-opus-5-5", "stop_sequence": None,
}  # fmt: skip


@pytest.fixture
def raw(gateway: Served) -> Iterator[RawProvider]:
    with in_place_of("anthropic", "openai") as provider:
        yield provider


def _model(name: str) -> Model:
    model = catalog.registry().find(name)
    assert model is not None
    return model


def _usage(speed: str) -> dict[str, Any]:
    return {"input_tokens": 1000, "output_tokens": 100, "service_tier": "standard", "speed": speed}


def _whole(speed: str) -> Any:
    text = {"type": "text", "text": "quick"}
    return whole({**MESSAGE, "content": [text], "stop_reason": "end_turn", "usage": _usage(speed)})


def _streamed(speed: str) -> Any:
    return stream(
        event({"type": "message_start", "message": {**MESSAGE, "content": [], "usage": _usage(speed)}}),
        event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "quick"}}),
        event({"type": "content_block_stop", "index": 0}),
        event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 100}}),
        event({"type": "message_stop"}),
    )


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("speed", ["fast", "standard"])
def test_fast_mode_is_billed_when_it_was_given(
    gateway: Served, tenant: Tenant, raw: RawProvider, streaming: bool, speed: str
) -> None:
    raw.answers(_streamed(speed) if streaming else _whole(speed))
    body = {
        "model": "claude-opus-5-5", "max_tokens": 200, "speed": "fast", "stream": streaming,
        "messages": [{"role": "user", "content": f"be quick {speed}"}],
    }  # fmt: skip
    headers = {**tenant.headers, "anthropic-beta": "fast-mode-2026-02-01"}
    answer = gateway.http.post("/v1/messages", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    service = "fast" if speed == "fast" else ""
    prices, used = catalog.price_book(), Usage(1000, 100)
    assert tenant.ledger(1)[0].cost_nano == prices.price(_model("claude-opus-5-5"), used, service=service)
    assert prices.price(_model("claude-opus-5-5"), used, service="fast") > prices.price(_model("claude-opus-5-5"), used)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/chat/completions", {"model": "gpt-6.1-sol", "service_tier": "flex"}),
        ("/v1/chat/completions", {"model": "gpt-6.1-sol", "service_tier": "priority"}),
        ("/v1/messages", {"model": "claude-opus-5-5", "speed": "fast"}),
    ],
)
def test_the_dearer_of_the_service_asked_for_and_the_standard_one_is_reserved(
    gateway: Served, make_tenant: Callable[..., Tenant], raw: RawProvider, path: str, fields: dict[str, Any]
) -> None:
    body = {**fields, "max_tokens": 400, "messages": [{"role": "user", "content": "write a long story"}]}
    sent = json.dumps(body).encode()
    asked_for = str(fields.get("service_tier") or fields["speed"])
    prices, model = catalog.price_book(), _model(fields["model"])
    bounds = [prices.bound(model, len(sent), 400, service) for service in ("", asked_for)]
    raw.answers(_whole("standard") if path == "/v1/messages" else whole())

    def ask(cap: int) -> int:
        tenant = make_tenant(request_cost_cap_nano=cap)
        return gateway.http.post(path, content=sent, headers=tenant.headers).status_code

    assert ask(max(bounds)) == 200
    assert ask(max(bounds) - 1) == 403


def test_a_speed_nobody_has_heard_of_is_the_standard_one() -> None:
    usage = {**_usage("ludicrous"), "service_tier": "x" * 10_000}
    assert messages_usage(json.dumps({"usage": usage}).encode()) == Usage(1000, 100)
