"""Providers add fields before any client knows them: what is unknown here goes up unchanged, and crosses nowhere."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain import Wire
from inference.wire.format import format_of
from inference.wire.translate import Untranslatable, to_chat, to_messages
from tests.inference.wire.answers import json_values, names
from tests.inference.wire.request_places import SCHEMA, TABLES, WIRES

BODIES: dict[Wire, dict[str, Any]] = {
    Wire.CHAT: {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
    },
    Wire.MESSAGES: {
        "max_tokens": 64,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    },
}
OWNERS: dict[Wire, list[tuple[str | int, ...]]] = {
    Wire.CHAT: [
        (), ("messages", 0), ("messages", 0, "content", 0), ("tools", 0), ("tools", 0, "function"),
        ("response_format",), ("response_format", "json_schema"),
    ],
    Wire.MESSAGES: [
        (), ("messages", 0), ("messages", 0, "content", 0), ("tools", 0), ("output_config",),
        ("output_config", "format"),
    ],
}  # fmt: skip


def with_field(wire: Wire, owner: tuple[str | int, ...], name: str, value: Any) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(BODIES[wire]))
    held: Any = body
    for step in owner:
        held = held[step]
    held[name] = value
    return body


@pytest.mark.parametrize(("wire", "owner"), [(wire, owner) for wire in WIRES for owner in OWNERS[wire]])
@given(name=names, value=json_values, stream=st.booleans())
def test_a_field_that_nobody_knows_goes_up_unchanged(
    wire: Wire, owner: tuple[str | int, ...], name: str, value: Any, stream: bool
) -> None:
    body = with_field(wire, owner, f"x_{name}", value)
    assert format_of(wire).check(body) is None
    sent = msgspec.json.decode(format_of(wire).upstream_body(body, "upstream", stream=stream))
    assert {key: sent[key] for key in body} == body


@pytest.mark.parametrize(("wire", "owner"), [(wire, owner) for wire in WIRES for owner in OWNERS[wire]])
def test_a_field_that_nobody_knows_is_refused_where_it_would_have_to_be_translated(
    wire: Wire, owner: tuple[str | int, ...]
) -> None:
    assert "x_new" not in {name for rules in TABLES[wire].values() for name in rules}
    body = with_field(wire, owner, "x_new", 1)
    there = to_messages(body, accepted=(), default_max_tokens=64) if wire is Wire.CHAT else to_chat(body, accepted=())
    assert isinstance(there, Untranslatable)
    assert there.param.endswith("x_new")
