"""A string that a regular expression matches, for the `pattern` of a JSON schema.

It understands what schemas use (literals, classes, repeats, groups, alternatives, anchors) and says so when it does
not: a wrong string would look like a model that broke its promise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from inference.simulator.chance import Chance

_CATEGORIES = {
    kinds.CATEGORY_DIGIT: "0123456789",
    kinds.CATEGORY_WORD: "abcdefghijklmnopqrstuvwxyz0123456789",
    kinds.CATEGORY_SPACE: " ",
    kinds.CATEGORY_NOT_DIGIT: "abcdefghijklmnopqrstuvwxyz",
    kinds.CATEGORY_NOT_WORD: "-.,:",
    kinds.CATEGORY_NOT_SPACE: "abcdefghijklmnopqrstuvwxyz",
}
_PRINTABLE = [chr(code) for code in range(ord("a"), ord("z") + 1)] + [chr(code) for code in range(32, 127)]
_EXTRA_REPEATS = 3
_MOST_REPEATS = 500


def string_matching(pattern: str, chance: Chance) -> str | None:
    """A string in which the pattern is found, or None when the pattern asks for more than this module knows."""
    try:
        text = _sequence(parser.parse(pattern), chance)
    except (re.error, KeyError):
        return None
    return text if re.search(pattern, text) else None


def _sequence(items: Any, chance: Chance) -> str:
    return "".join(_one(kind, value, chance) for kind, value in items)


def _one(kind: Any, value: Any, chance: Chance) -> str:
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        low, high, items = value
        if low > _MOST_REPEATS:
            raise KeyError(low)
        times = chance.between(low, min(high, low + _EXTRA_REPEATS))
        return "".join(_sequence(items, chance) for _ in range(times))
    return str(_SIMPLE[kind](value, chance))


def _of_class(members: Any, chance: Chance) -> str:
    negated = bool(members) and members[0][0] is kinds.NEGATE
    allowed: list[str] = []
    for kind, value in members[1:] if negated else members:
        allowed.extend(_class_member(kind, value))
    if negated:
        allowed = [character for character in _PRINTABLE if character not in allowed]
    return chance.pick(allowed) if allowed else ""


def _class_member(kind: Any, value: Any) -> str:
    if kind is kinds.RANGE:
        return "".join(chr(code) for code in range(value[0], min(value[1], value[0] + 128) + 1))
    return chr(value) if kind is kinds.LITERAL else _CATEGORIES[value]


_SIMPLE: dict[Any, Callable[[Any, Chance], str]] = {
    kinds.LITERAL: lambda value, chance: chr(value),  # noqa: ARG005
    kinds.NOT_LITERAL: lambda value, chance: next(c for c in _PRINTABLE if c != chr(value)),  # noqa: ARG005
    kinds.ANY: lambda value, chance: "x",  # noqa: ARG005
    kinds.AT: lambda value, chance: "",  # noqa: ARG005
    kinds.IN: _of_class,
    kinds.BRANCH: lambda value, chance: _sequence(chance.pick(value[1]), chance),
    kinds.SUBPATTERN: lambda value, chance: _sequence(value[3], chance),
    kinds.ATOMIC_GROUP: _sequence,
}
