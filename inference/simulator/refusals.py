"""A request that a provider would not serve, as a value; and what msgspec found wrong, taken apart.

Each provider words and wraps its errors differently: its package renders a `Refusal` in its own shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

Fitted = TypeVar("Fitted", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Status and content of an error answer. `param` and `code` are OpenAI's; the others say the same in words."""

    status: int
    kind: str
    message: str
    param: str | None = None
    code: str | None = None
    retry_after: float | None = None


class Fault(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    TYPE = "type"
    VALUE = "value"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that does not fit. `path` is keys and indexes from the root; `problem` is msgspec's sentence."""

    fault: Fault
    path: tuple[str | int, ...]
    problem: str

    def dotted(self) -> str:
        """`messages.0.content`, as Anthropic and Cohere write a path."""
        return ".".join(str(step) for step in self.path)

    def bracketed(self) -> str:
        """`messages[0].content`, as OpenAI writes a path."""
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text


_STEP = re.compile(r"\[(\d+)\]|\[\.\.\.\]|\.([^.\[\]]+)")
_NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `(.*)`$", re.DOTALL)


def violation_of(error: msgspec.ValidationError) -> Violation:
    """Take msgspec's sentence apart: the field it is about, and in which way it is wrong."""
    problem, _, location = str(error).partition(" - at `$")
    steps = [(index, name) for index, name in _STEP.findall(location.rstrip("`")) if index or name]
    path: tuple[str | int, ...] = tuple(int(index) if index else name for index, name in steps)
    named = _NAMED.match(problem)
    if named:
        path = (*path, named[1])
    return Violation(_fault_of(problem), path, problem)


def _fault_of(problem: str) -> Fault:
    if problem.startswith("Object missing"):
        return Fault.MISSING
    if problem.startswith("Object contains unknown"):
        return Fault.UNKNOWN
    if problem.startswith("Expected `array` of length"):
        return Fault.EMPTY
    return Fault.TYPE if ", got `" in problem or problem.startswith("Expected `str` - ") else Fault.VALUE


def unknown_field(raw: Any, typed: Any, path: tuple[str | int, ...] = ()) -> Violation | None:
    """The first key of a decoded body that its typed form does not know, at any depth.

    msgspec can refuse unknown keys itself, but then the same types could not be used for the many providers that copy
    OpenAI's protocol and accept fields of their own.
    """
    if isinstance(typed, msgspec.Struct):
        known = _wire_names(type(typed))
        for key, value in raw.items():
            if key not in known:
                return Violation(Fault.UNKNOWN, (*path, key), f"Object contains unknown field `{key}`")
            attribute = known[key]
            found = unknown_field(value, getattr(typed, attribute), (*path, key)) if attribute else None
            if found:
                return found
    elif isinstance(typed, list | tuple):
        for index, (inner_raw, inner) in enumerate(zip(raw, typed, strict=False)):
            found = unknown_field(inner_raw, inner, (*path, index))
            if found:
                return found
    return None


def fit(raw: Any, kind: type[Fitted], at: tuple[str | int, ...], *, strict: bool = True) -> Fitted | Violation:
    """Part of a body in its typed form, or what is wrong with it, told from the root."""
    try:
        typed = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        found = violation_of(error)
        return Violation(found.fault, (*at, *found.path), found.problem)
    return (unknown_field(raw, typed, at) if strict else None) or typed


_WIRE_NAMES: dict[type[msgspec.Struct], dict[str, str]] = {}


def _wire_names(struct: type[msgspec.Struct]) -> dict[str, str]:
    """From the name on the wire to the attribute; the tag has no attribute."""
    names = _WIRE_NAMES.get(struct)
    if names is None:
        names = dict(zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True))
        tag = struct.__struct_config__.tag_field
        if tag:
            names[tag] = ""
        _WIRE_NAMES[struct] = names
    return names
