"""Whatever stands in a field that clients know, a request that passes its check can be read and sent on."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from inference.domain import Wire
from inference.wire.format import format_of
from inference.wire.translate import to_chat, to_messages
from tests.inference.wire.request_places import WIRES, places
from tests.inference.wire.sdk_shapes import Place

ODD: list[Any] = [None, True, 0, -1, 0.5, "", "x", [], [1], [[]], ["x"], [{}], {}, {"type": "x"}, {"id": [1]}]


def with_value(place: Place, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(place.body)
    held: Any = body
    for step in place.path[:-1]:
        held = held[step]
    held[place.field] = value
    return body


def read_in_every_way(wire: Wire, body: dict[str, Any]) -> None:
    shape = format_of(wire)
    if shape.check(body, own_account=True) is not None:
        return
    for read in (shape.canonical, shape.needs, shape.task_text, shape.system_text, shape.service, shape.answers):
        read(body)
    assert shape.input_token_bound(body, 10**6) >= 0
    shape.upstream_body(body, "upstream", stream=True)
    if wire is Wire.CHAT:
        to_messages(body, accepted=(), default_max_tokens=64)
    else:
        to_chat(body, accepted=())


@pytest.mark.parametrize(("wire", "shape"), [(wire, shape) for wire in WIRES for shape in places(wire)])
def test_an_odd_value_is_refused_or_survived(wire: Wire, shape: str) -> None:
    first = {place.field: place for place in reversed(places(wire)[shape])}
    for place in first.values():
        for value in ODD:
            body = with_value(place, value)
            format_of(wire).check(body)
            read_in_every_way(wire, body)
