"""Every place of a request that a vendor's own types know, with a smallest request that has it and one that has not."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from typing_extensions import (
    TypeAliasType,
    get_original_bases,
    get_type_hints,
    is_typeddict,
)

Build = Callable[[Any], tuple[dict[str, Any], tuple[str | int, ...]]]
"""Puts a value in its place: the whole request, and the path to the value."""


@dataclass(frozen=True)
class Place:
    """One field of one shape, in one surrounding, with one value."""

    shape: str
    field: str
    value: Any
    required: bool
    path: tuple[str | int, ...]
    body: dict[str, Any]
    without: dict[str, Any]
    """The same request, if the field is required."""
    owners: tuple[tuple[str, str, Any], ...]
    """The shape, field and value of all that this place is inside of; and the kind of each of those shapes."""

    @property
    def param(self) -> str:
        return named(self.path)


def named(path: tuple[str | int, ...]) -> str:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(steps).removeprefix(".")


@dataclass(frozen=True)
class Surroundings:
    """What a wire's places need around them to make sense, and which slots mean the same.

    `samples`: a value by field name, or by shape and field name, where any text would not do. `companions`: what else
    the owner of a field must have. `placed`: a message in a conversation that may hold it, and its index there.
    """

    samples: Mapping[str | tuple[str, str], Any]
    companions: Mapping[tuple[str, str], Mapping[str, Any]]
    slots: Mapping[str, str]
    placed: Callable[[dict[str, Any]], tuple[list[dict[str, Any]], int]]


class Walk:
    """The places below one of a vendor's types."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def places(self, root: Any) -> Iterator[Place]:
        yield from self._visit(root, "", lambda body: (body, ()), ())

    def _visit(
        self, kind: Any, shape: str, build: Build, owners: tuple[tuple[str, str, Any], ...], tag: Mapping[str, Any] = {}
    ) -> Iterator[Place]:
        hints = get_type_hints(kind, include_extras=True)
        smallest = {**self._smallest(kind, shape), **tag}
        within = (*owners, *((shape, name, value) for name, value in tag.items()))
        for name, hint in hints.items():
            base = {**smallest, **self._around.companions.get((shape, name), {})}
            for value in [tag[name]] if name in tag else list(self._values(hint, shape, name)):
                yield self._place(kind, shape, name, value, base, build, owners if name in tag else within)
            for inner, inner_tag, at in self._inner(hint, name):
                label = self._label(shape, name, inner_tag)
                held = {**self._smallest(inner, label), **inner_tag}
                if any(owner == label for owner, _, _ in within) or label == shape:
                    continue
                yield from self._visit(
                    inner, label, self._inside(build, base, name, at), (*within, (shape, name, held)), inner_tag
                )

    def _place(
        self, kind: Any, shape: str, name: str, value: Any, base: dict[str, Any], build: Build,
        owners: tuple[tuple[str, str, Any], ...],
    ) -> Place:  # fmt: skip
        if (shape, name) == ("", "messages"):
            value, _ = self._around.placed({"role": "user", "content": "Why?"})
        body, path = build({**base, name: value})
        required = name in _required(kind) or name == "type"
        without = body if required else build({key: held for key, held in base.items() if key != name})[0]
        return Place(shape, name, value, required, (*path, name), body, without, owners)

    def _inside(self, build: Build, base: dict[str, Any], name: str, at: str | int | None) -> Build:
        def built(inner: Any) -> tuple[dict[str, Any], tuple[str | int, ...]]:
            if name == "messages":
                turns, index = self._around.placed(inner)
                body, path = build({**base, name: turns})
                return body, (*path, name, index)
            held = inner if at is None else [inner] if at == 0 else {at: inner}
            body, path = build({**base, name: held})
            return body, (*path, name) if at is None else (*path, name, at)

        return built

    def _label(self, shape: str, name: str, tag: Mapping[str, Any]) -> str:
        slot = self._around.slots.get(name, name)
        told = tag.get("role") or tag.get("type")
        return f"{slot}:{told}" if told else f"{shape}.{name}".lstrip(".")

    def _smallest(self, kind: Any, shape: str) -> dict[str, Any]:
        hints = get_type_hints(kind, include_extras=True)
        return {name: next(iter(self._values(hints[name], shape, name))) for name in hints if name in _required(kind)}

    def _values(self, hint: Any, shape: str, name: str) -> Iterator[Any]:
        """Values of a type: every literal, and one of each other kind. Sampled ones come first."""
        for key in ((shape, name), name):
            if key in self._around.samples:
                yield self._around.samples[key]
                return
        for kind, listed in _alternatives(hint):
            if get_origin(kind) is Literal:
                for literal in get_args(kind):
                    yield [literal] if listed else literal
            elif is_typeddict(kind):
                tag = _tags(kind)[0]
                held = self._smallest(kind, self._label(shape, name, tag)) | tag or self._first(kind, shape)
                yield [held] if listed else held
            elif (plain := _PLAIN.get(get_origin(kind) or kind)) is not None:
                yield [plain] if listed else plain

    def _first(self, kind: Any, shape: str) -> dict[str, Any]:
        """An object that needs no field, with one."""
        hints = get_type_hints(kind, include_extras=True)
        name = next(iter(hints))
        return {name: next(iter(self._values(hints[name], shape, name)))}

    def _inner(self, hint: Any, name: str) -> Iterator[tuple[Any, dict[str, Any], str | int | None]]:
        """Objects below a field, what they are told by, and where in the field: the first of a list, or by a name."""
        for kind, listed in _alternatives(hint):
            values = get_args(kind)[1] if get_origin(kind) is dict else None
            if values is not None and is_typeddict(values):
                yield values, {}, "a_name"
            elif is_typeddict(kind) and name != "input_schema":
                for tag in _tags(kind):
                    yield kind, tag, 0 if listed else None


_PLAIN: Mapping[Any, Any] = {str: "text", int: 2, float: 0.5, bool: True, dict: {"a": "b"}, object: {"a": "b"}}


def _alternatives(hint: Any, listed: bool = False) -> Iterator[tuple[Any, bool]]:
    """The kinds of value that a type allows, unions and lists taken apart."""
    hint = _bare(hint)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        for part in get_args(hint):
            yield from _alternatives(part, listed)
    elif origin is not None and origin not in (Literal, dict, type) and not is_typeddict(hint):
        yield from _alternatives(get_args(hint)[0], listed=True)
    elif hint is not type(None):
        yield hint, listed


def _origin(hint: Any) -> Any:
    return get_origin(hint)


@cache
def _required(kind: Any) -> frozenset[str]:
    """The fields a value must have, where annotations are written as text and no class knows its own."""
    bases = [base for base in get_original_bases(kind) if is_typeddict(base)]
    inherited = {name for base in bases for name in base.__annotations__}
    marked = get_type_hints(kind, include_extras=True)
    by_default = set(marked) - inherited if kind.__total__ else set()
    found = {name for name in by_default if _origin(marked[name]) is not NotRequired}
    found |= {name for name, hint in marked.items() if _origin(hint) is Required}
    return frozenset(found).union(*(_required(base) for base in bases))


def _bare(hint: Any) -> Any:
    while True:
        if get_origin(hint) in (Annotated, Required, NotRequired):
            hint = get_args(hint)[0]
        elif isinstance(hint, TypeAliasType):
            hint = hint.__value__
        else:
            return hint


def _tags(kind: Any) -> list[dict[str, Any]]:
    """What tells an object of this kind from others in its place: one entry for each name that it goes by."""
    hints = get_type_hints(kind, include_extras=True)
    for name in ("role", "type"):
        literals = [
            value
            for part, _ in (_alternatives(hints[name]) if name in hints else ())
            if get_origin(part) is Literal
            for value in get_args(part)
        ]
        if literals:
            return [{name: value} for value in literals]
    return [{}]
