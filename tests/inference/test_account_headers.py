"""Headers that name a part of a provider's account are refused by name: they would be lost, or another's."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import pytest

from inference.api.intake import Arrival, read_call
from inference.domain import Call, Refusal, RoutingMode, Wire

ANSWER = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": {}}


def asked(**fields: Any) -> Call | Refusal:
    """What Asahi reads of a request as Anthropic's client sends it."""
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=ANSWER)

    http = httpx2.Client(transport=httpx2.MockTransport(handle))
    client = anthropic.Anthropic(api_key="k", base_url="http://asahi.test", http_client=http)
    client.beta.messages.create(
        model="claude-haiku-5-5", max_tokens=64, messages=[{"role": "user", "content": "Why?"}], **fields
    )
    (request,) = seen
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    return read_call(
        Arrival("req_1", 0.0, request.content, headers), Wire.MESSAGES, RoutingMode.AUTOPILOT, org_id="org"
    )


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ({"user_profile_id": "p"}, "anthropic-user-profile-id"),
        ({"workspace_id": "w"}, "anthropic-workspace-id"),
    ],
)
def test_a_part_of_the_shared_account_is_refused_by_name(fields: dict[str, str], header: str) -> None:
    refusal = asked(**fields)
    assert isinstance(refusal, Refusal)
    assert refusal.details == {"param": header}
    assert header in refusal.message


def test_the_betas_a_client_asks_for_go_up() -> None:
    call = asked(betas=["context-1m-2025-08-07"])
    assert isinstance(call, Call)
    assert call.headers["anthropic-beta"] == "context-1m-2025-08-07"
    assert "betas" not in call.body
