"""Every field that the vendors' clients can send counts for the cache, but for those that cannot change an answer."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from inference.domain import Wire
from inference.wire.fields import CACHE_MARKS
from inference.wire.format import format_of
from tests.inference.wire.request_places import TABLES, WIRES, places
from tests.inference.wire.sdk_shapes import Place

_OUTER = 6
"""Steps down to what a mark on a block of a message says. Deeper inside, a mark may count needlessly."""


def another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case str():
            return f"{value}x"
        case int() | float():
            return value + 1
        case list():
            return [*value, *value]
        case _:
            return {**value, "more": 1}


def with_another_value(place: Place) -> dict[str, Any]:
    body = copy.deepcopy(place.body)
    held: Any = body
    for step in place.path[:-1]:
        held = held[step]
    held[place.field] = another(place.value)
    return body


def steers(wire: Wire, place: Place) -> bool:
    return all(TABLES[wire][shape][name].steers for shape, name in [*((s, n) for s, n, _ in place.owners),
                                                                   (place.shape, place.field)])  # fmt: skip


@pytest.mark.parametrize(("wire", "shape"), [(wire, shape) for wire in WIRES for shape in places(wire)])
def test_a_field_counts_exactly_if_it_may_change_the_answer(wire: Wire, shape: str) -> None:
    canonical = format_of(wire).canonical
    for place in places(wire)[shape]:
        rule = TABLES[wire][shape][place.field]
        if steers(wire, place):
            assert canonical(with_another_value(place)) != canonical(place.body), place.param
            if not place.required and place.value not in rule.neutral:
                assert canonical(place.without) != canonical(place.body), place.param
        elif not set(CACHE_MARKS).intersection(place.path) or len(place.path) <= _OUTER:
            assert canonical(with_another_value(place)) == canonical(place.body), place.param
            assert canonical(place.without) == canonical(place.body), place.param


@pytest.mark.parametrize("wire", WIRES)
def test_a_default_that_is_said_counts_as_much_as_one_that_is_not(wire: Wire) -> None:
    canonical = format_of(wire).canonical
    plain = next(place.without for place in places(wire)[""] if place.field == "metadata")
    for name, rule in TABLES[wire][""].items():
        if name in plain:
            continue
        for value in (None, *rule.neutral):
            assert canonical({**plain, name: value}) == canonical(plain), (name, value)
