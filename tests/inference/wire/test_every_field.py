"""Every field that the vendors' clients can send is in a wire's table, and becomes what the table says of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from inference.domain import Wire
from inference.wire.fields import Here, There
from inference.wire.format import format_of
from tests.inference.wire.request_places import TABLES, WIRES, places, refused_by_table
from tests.inference.wire.sdk_shapes import Place

SHAPES = [(wire, shape) for wire in WIRES for shape in places(wire)]
OLDER = {
    Wire.CHAT: {(shape, "cache_control") for shape, rules in TABLES[Wire.CHAT].items() if "cache_control" in rules},
    Wire.MESSAGES: {("", "temperature"), ("", "top_p"), ("", "top_k")},
}
"""What clients before the installed ones sent, or other clients do."""


def known(wire: Wire) -> set[tuple[str, str]]:
    return {(shape, name) for shape, rules in TABLES[wire].items() for name in rules}


@pytest.mark.parametrize("wire", WIRES)
def test_every_field_of_the_vendors_types_is_classified(wire: Wire) -> None:
    sent = {(place.shape, place.field) for found in places(wire).values() for place in found}
    assert sent - known(wire) == set(), "fields that the tables do not name"


@pytest.mark.parametrize("wire", WIRES)
def test_no_field_is_classified_that_nobody_sends(wire: Wire) -> None:
    sent = {(place.shape, place.field) for found in places(wire).values() for place in found}
    assert known(wire) - sent - OLDER.get(wire, set()) == set()


@pytest.mark.parametrize("wire", WIRES)
def test_every_refusal_and_everything_left_out_has_its_reason(wire: Wire) -> None:
    for rules in TABLES[wire].values():
        for name, rule in rules.items():
            speaks_for_itself = rule.here is Here.FORWARDS and rule.there in (There.SAID, There.AS_ITS_OWNER)
            assert rule.why or speaks_for_itself or rule.there is There.AS_ITS_OWNER, name


@pytest.mark.parametrize(("wire", "shape"), SHAPES)
def test_a_field_goes_to_its_own_wire_unchanged_or_is_refused_by_name(wire: Wire, shape: str) -> None:
    for place in places(wire)[shape]:
        refused = refused_by_table(wire, place.body)
        problem = format_of(wire).check(place.body)
        if refused:
            assert problem is not None, (place.param, refused)
            assert any(param.startswith(problem.param) for param in refused), (problem, refused)
            assert problem.param.split("[")[0] in problem.message
        else:
            assert problem is None, (place.param, place.value, problem)
            assert sent_up(wire, place) == place.value or TABLES[wire][shape][place.field].here is Here.ACTS


def sent_up(wire: Wire, place: Place) -> Any:
    streamed = bool(place.body.get("stream"))
    found: Any = msgspec.json.decode(format_of(wire).upstream_body(place.body, "upstream", stream=streamed))
    for step in place.path:
        found = found.get(step) if isinstance(found, dict) else found[step]
    return found


@pytest.mark.parametrize("wire", WIRES)
def test_everything_that_is_to_be_refused_has_been_tried(wire: Wire) -> None:
    tried = {
        (place.shape, place.field)
        for found in places(wire).values()
        for place in found
        if TABLES[wire][place.shape][place.field].refuses(place.value) and format_of(wire).check(place.body)
    }
    to_refuse = {
        (shape, name)
        for shape, rules in TABLES[wire].items()
        for name, rule in rules.items()
        if rule.here in (Here.REFUSES, Here.NEEDS_OWN_KEY)
    }
    assert tried == to_refuse
