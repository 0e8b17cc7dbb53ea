"""An instance of a JSON schema: what a model with structured output or a tool would have filled in.

Covers what the providers accept in schemas. Words of the prompt are used for strings, so that "the weather in Paris"
asks a weather tool about Paris.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from inference.simulator.chance import Chance
from inference.simulator.patterns import string_matching

Schema = Mapping[str, Any]
_DEEP = 5
_TOO_DEEP = 40
_MOST_VALUES = 5_000
_MOST_CHARACTERS = 20_000

_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "duration": "PT15M",
    "email": "simulated@example.com",
    "hostname": "simulated.example.com",
    "uri": "https://example.com/simulated",
    "url": "https://example.com/simulated",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


class UnsatisfiableSchemaError(ValueError):
    """The schema asks for something that has no finite instance, or refers to a definition that is not there."""


class Filler:
    """Fills one schema. `words` are used for strings that have no constraint of their own."""

    def __init__(self, root: Schema, *, words: Sequence[str], chance: Chance) -> None:
        self._root = root
        self._words = words
        self._chance = chance
        self._values_left = _MOST_VALUES

    def fill(self) -> Any:
        return self._value(self._root, name="", depth=0)

    def _value(self, schema: Any, *, name: str, depth: int) -> Any:
        schema = self._resolve(schema)
        self._values_left -= 1
        if depth > _TOO_DEEP or self._values_left < 0:
            raise UnsatisfiableSchemaError(f"no value of a sensible size for '{name}'")
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._chance.pick(schema["enum"])
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if alternatives:
            return self._value(self._alternative(schema, alternatives, depth), name=name, depth=depth + 1)
        return self._typed(_type_of(schema), schema, name=name, depth=depth)

    def _typed(self, kind: str, schema: Schema, *, name: str, depth: int) -> Any:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        return self._scalar(kind, schema, name)

    def _scalar(self, kind: str, schema: Schema, name: str) -> Any:
        match kind:
            case "integer":
                return int(_number(schema, self._chance, step=1))
            case "number":
                return _number(schema, self._chance, step=0.5)
            case "boolean":
                return bool(self._chance.below(2))
            case "null":
                return None
        return self._string(schema, name)

    def _resolve(self, schema: Any) -> Schema:
        """Follow `$ref` and merge `allOf`, until neither is left."""
        resolved: dict[str, Any] = dict(schema) if isinstance(schema, Mapping) else {}
        for _ in range(_TOO_DEEP):
            if "$ref" in resolved:
                reference = resolved.pop("$ref")
                resolved = {**self._definition(reference), **resolved}
            elif "allOf" in resolved:
                parts = resolved.pop("allOf")
                resolved = _merged([resolved, *map(self._resolve, parts)])
            else:
                return resolved
        raise UnsatisfiableSchemaError("a definition refers to itself")

    def _definition(self, reference: str) -> Schema:
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            raise UnsatisfiableSchemaError(f"'{reference}' is not defined")
        return dict(found)

    def _alternative(self, schema: Schema, alternatives: Sequence[Any], depth: int) -> Schema:
        outer = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        options = [_merged([outer, self._resolve(option)]) for option in alternatives]
        # A tree must end somewhere: deep inside one, take the option that needs nothing below it.
        leaves = [option for option in options if _type_of(option) not in ("object", "array")]
        return self._chance.pick(leaves) if depth >= _DEEP and leaves else self._chance.pick(options)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        wanted = {
            name: inner for name, inner in schema.get("properties", {}).items() if name in required or depth < _DEEP
        }
        filled = {name: self._value(inner, name=name, depth=depth + 1) for name, inner in wanted.items()}
        extra = schema.get("additionalProperties")
        missing = [name for name in sorted(required) if name not in filled]
        if isinstance(extra, Mapping) and not filled and depth < _DEEP:
            missing = missing or ["item"]
        for name in missing:
            filled[name] = self._value(extra if isinstance(extra, Mapping) else {}, name=name, depth=depth + 1)
        return filled

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        fixed = list(schema.get("prefixItems", ()))
        least = int(schema.get("minItems", 0))
        most = int(schema.get("maxItems", max(least, 2)))
        length = least if depth >= _DEEP else max(least, len(fixed), min(most, self._chance.between(1, 2)))
        items: list[Any] = []
        for index in range(length):
            inner = fixed[index] if index < len(fixed) else schema.get("items", {})
            value = self._value(inner, name=name, depth=depth + 1)
            if schema.get("uniqueItems"):
                value = self._unlike(items, value, inner, name=name, depth=depth)
                if value in items:
                    break
            items.append(value)
        return items

    def _unlike(self, items: list[Any], value: Any, schema: Any, *, name: str, depth: int) -> Any:
        for attempt in range(32):
            if value not in items:
                break
            value = self._value(schema, name=f"{name} {attempt}", depth=depth + 1)
        return value

    def _string(self, schema: Schema, name: str) -> str:
        if "pattern" in schema:
            matching = string_matching(schema["pattern"], self._chance)
            if matching is None:
                raise UnsatisfiableSchemaError(f"the pattern of '{name}' is not supported")
            return matching
        if schema.get("format") == "uuid":
            return str(uuid.UUID(int=self._chance.bits() << 64 | self._chance.bits(), version=4))
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        text = self._chance.pick(self._words) if self._words else f"simulated {name}".strip()
        return _sized(text, int(schema.get("minLength", 0)), schema.get("maxLength"))


def _sized(text: str, least: int, most: int | None) -> str:
    if least > _MOST_CHARACTERS:
        raise UnsatisfiableSchemaError(f"no text of {least} characters is written")
    while len(text) < least:
        text = f"{text} {text}" if text else "simulated"
    return text if most is None else text[: int(most)]


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _number(schema: Schema, chance: Chance, *, step: float) -> float:
    """A multiple of the step between the bounds; without bounds, a small positive one."""
    step = schema.get("multipleOf", step)
    low, high = _bounds(schema, step)
    first = -(-low // step)
    first += first * step == schema.get("exclusiveMinimum")
    last = high // step
    last -= last * step == schema.get("exclusiveMaximum")
    return (low + high) / 2 if first > last else chance.between(int(first), int(last)) * step


def _bounds(schema: Schema, step: float) -> tuple[float, float]:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None:
        low = 1 if high is None or high >= 1 else high - 4 * step
    return low, low + 4 * step if high is None else high


def _merged(schemas: Sequence[Schema]) -> dict[str, Any]:
    """What `allOf` asks for: properties and required names of all of them together."""
    merged: dict[str, Any] = {}
    for schema in schemas:
        for key, value in schema.items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, ()), *value]
            else:
                merged[key] = value
    return merged
