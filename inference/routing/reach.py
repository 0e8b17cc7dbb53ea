"""Which wires an automatic choice may reach for a call: its own, and those on which all that it says can be said."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from inference.domain import Call, Model, Wire
from inference.routing.needs import CAPABILITIES
from inference.wire import translate

EVERY_WIRE: Final = frozenset(Wire)

_OTHERS: Final = MappingProxyType(
    {
        Wire.CHAT: (Wire.MESSAGES,),
        Wire.MESSAGES: (Wire.CHAT,),
        Wire.RESPONSES: (Wire.CHAT, Wire.MESSAGES),
        Wire.EMBEDDINGS: (),
    }
)
_ABLE: Final = Model("", "", "", Wire.CHAT, 1, 1, 1, CAPABILITIES, {})
"""A model that can do everything: what models lack is looked at apart."""


def reachable_wires(call: Call) -> frozenset[Wire]:
    """By trying: a call that could not be put on a wire would be refused there."""
    others = (
        wire
        for wire in _OTHERS[call.wire]
        if not isinstance(translate.Way(call.wire, wire).ask(call.body, _ABLE), translate.Untranslatable)
    )
    return frozenset((call.wire, *others))
