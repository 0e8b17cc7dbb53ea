"""Saying by name what is wrong with a request, from a typed description of the fields that Asahi acts on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<field>.*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<field>.*)`$")


@dataclass(frozen=True, slots=True)
class Invalid:
    """The first problem found in a request. `param` is the JSON path of the field, such as `messages[0].role`."""

    param: str
    message: str


def shape_problem(body: dict[str, Any], shape: type[msgspec.Struct]) -> Invalid | None:
    """The first way in which `body` does not fit `shape`. Fields that `shape` does not know are left alone."""
    try:
        msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        return _named(str(error))
    return None


def first_stored(params: Iterable[str]) -> Invalid | None:
    """The refusal of the first field that concerns what a provider keeps for its account."""
    for param in params:
        return Invalid(
            param,
            f"'{param}' concerns what a provider keeps for its account, which organizations share here: it needs a "
            "provider key of your organization's own.",
        )
    return None


def _named(error: str) -> Invalid:
    found = _AT.match(error)
    what, path = (found["what"], (found["path"] or "").lstrip(".")) if found else (error, "")
    if missing := _MISSING.match(what):
        path = f"{path}.{missing['field']}" if path else missing["field"]
        return Invalid(path, f"Missing required field '{path}'.")
    if unknown := _UNKNOWN.match(what):
        path = f"{path}.{unknown['field']}" if path else unknown["field"]
        return Invalid(path, f"Unknown field '{path[:100]}'.")
    expected = what[:1].lower() + what[1:].replace("`", "")
    return Invalid(path, f"Invalid '{path or 'body'}': {expected}.")
