"""An answer of another shape is passed on, and never kept: nobody is given it again, whole or as a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain import Wire
from inference.wire.format import format_of
from inference.wire.soundness import is_sound
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.hostile_calls import EMBEDDINGS, WAYS, Way, ask
from tests.inference.wire.answers import chat_answers, messages_answers
from tests.inference.wire.test_untrusted_providers import damaged

WHOLE = [way for way in WAYS if not way.stream]


@pytest.mark.parametrize("way", WHOLE, ids=lambda way: f"{way.path} {way.model}")
def test_a_misshapen_answer_with_a_good_usage_is_given_to_nobody_else(
    gateway: Served, tenant: Tenant, simulator: Simulator, way: Way
) -> None:
    simulator.faults(rules=[{"kind": "wrong_shape", "shape": "content_string"}])
    assert ask(gateway, way, tenant, "Say it in another shape").status_code in (200, 503)
    simulator.faults()
    for again in (way, replace(way, stream=way.path != EMBEDDINGS)):
        answer = ask(gateway, again, tenant, "Say it in another shape")
        assert answer.status_code == 200
        assert '"none"' not in answer.text
    assert answer.headers["x-asahi-cache"] == "t1", "a sound one is kept"


@given(chat_answers(), st.data())
def test_a_sound_chat_answer_can_be_replayed(answer: dict[str, Any], data: st.DataObject) -> None:
    assert is_sound(Wire.CHAT, msgspec.json.encode(answer))
    check_replay(Wire.CHAT, damaged(answer, data))


@given(messages_answers(), st.data())
def test_a_sound_message_can_be_replayed(answer: dict[str, Any], data: st.DataObject) -> None:
    assert is_sound(Wire.MESSAGES, msgspec.json.encode(answer))
    check_replay(Wire.MESSAGES, damaged(answer, data))


def check_replay(wire: Wire, answer: Any) -> None:
    body = msgspec.json.encode(answer)
    if is_sound(wire, body):
        assert b"".join(format_of(wire).replay(body, include_usage=True))
