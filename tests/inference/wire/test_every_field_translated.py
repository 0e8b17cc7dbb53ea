"""Every field that the vendors' clients can send crosses to the other wire as the tables say, or is refused by name."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from inference.domain import Wire
from inference.wire.capabilities import LATE_INSTRUCTIONS, REASONING, REASONING_OFF, SAMPLING
from inference.wire.fields import Rule, There
from inference.wire.messages.fields import SAID_IN
from inference.wire.translate import Untranslatable, to_chat, to_messages
from tests.inference.wire.request_places import TABLES, WIRES, places
from tests.inference.wire.sdk_shapes import Place

ABLE = frozenset({SAMPLING, REASONING, REASONING_OFF, LATE_INSTRUCTIONS})


def translated(wire: Wire, body: dict[str, Any]) -> dict[str, Any] | Untranslatable:
    if wire is Wire.CHAT:
        return to_messages(body, accepted=ABLE, default_max_tokens=4096)
    return to_chat(body, accepted=ABLE)


def fate(rule: Rule, value: Any) -> There:
    if value in rule.neutral and rule.there is There.REFUSED:
        return There.LEFT_OUT
    return There.REFUSED if value in rule.unsayable else rule.there


def fate_of_owners(wire: Wire, place: Place) -> There | None:
    """What becomes of all that a place is inside of: nothing but what is said can have a fate of its own inside."""
    shapes = dict.fromkeys([*(shape for shape, _, _ in place.owners), place.shape])
    for around, shape in pairwise(shapes):
        if wire is Wire.MESSAGES and around not in SAID_IN.get(shape, (around,)):
            return There.REFUSED
    for shape, name, value in place.owners:
        found = fate(TABLES[wire][shape][name], value)
        if found in (There.REFUSED, There.LEFT_OUT):
            return found
    return None


def holds_objects(value: Any) -> bool:
    """Whether what becomes of a value is for its parts to say."""
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))


@pytest.mark.parametrize(("wire", "shape"), [(wire, shape) for wire in WIRES for shape in places(wire)])
def test_a_field_crosses_as_the_table_says(wire: Wire, shape: str) -> None:
    for place in places(wire)[shape]:
        there = translated(wire, place.body)
        owners = fate_of_owners(wire, place)
        match owners or fate(TABLES[wire][shape][place.field], place.value):
            case There.REFUSED:
                assert isinstance(there, Untranslatable), place.param
                if owners is None:
                    assert there.param == place.param
                assert place.param.startswith(there.param.removesuffix(".type").removesuffix(".role"))
                assert f"'{there.param}'" in there.message
            case There.LEFT_OUT:
                assert not isinstance(there, Untranslatable), (place.param, there)
                assert there == translated(wire, place.without)
            case There.SAID if not holds_objects(place.value):
                assert not isinstance(there, Untranslatable), (place.param, there)
                says_something = not place.required and place.value not in TABLES[wire][shape][place.field].neutral
                assert not says_something or there != translated(wire, place.without), place.param
            case There.AS_ITS_OWNER if not holds_objects(place.value):
                pytest.fail(f"{place.param} is said, but not how it is said")
