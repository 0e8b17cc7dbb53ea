"""Django REST framework's serializers → JSON Schema, as far as the management API uses them.

A field of a kind that is not listed here is an error, not a guess.
"""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin, get_type_hints

from rest_framework import serializers

Json = dict[str, Any]

_KINDS: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], Json], ...] = (
    (serializers.BooleanField, {"type": "boolean"}),
    (serializers.IntegerField, {"type": "integer"}),
    (serializers.FloatField, {"type": "number"}),
    (serializers.DecimalField, {"type": "string", "format": "decimal"}),
    (serializers.DateTimeField, {"type": "string", "format": "date-time"}),
    (serializers.DateField, {"type": "string", "format": "date"}),
    (serializers.UUIDField, {"type": "string", "format": "uuid"}),
    (serializers.EmailField, {"type": "string", "format": "email"}),
    (serializers.URLField, {"type": "string", "format": "uri"}),
    (serializers.CharField, {"type": "string"}),
    (serializers.JSONField, {}),
)
_PYTHON: dict[Any, Json] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    dict: {"type": "object"},
    list: {"type": "array"},
    type(None): {"type": "null"},
    Any: {},
}


def schema_of(serializer: serializers.BaseSerializer[Any], *, taken: bool) -> Json:
    """`taken`: of a request, else of an answer."""
    if isinstance(serializer, serializers.ListSerializer):
        return {"type": "array", "items": _field(serializer.child, taken=taken)}
    assert isinstance(serializer, serializers.Serializer), f"{serializer!r} has no fields"
    fields = {
        name: field for name, field in serializer.fields.items() if not (field.read_only if taken else field.write_only)
    }
    required = [name for name, field in fields.items() if not taken or field.required]
    schema: Json = {
        "type": "object",
        "properties": {name: _field(field, taken=taken) for name, field in fields.items()},
    }
    if required:
        schema["required"] = required
    if taken:
        schema["additionalProperties"] = False
    return {**schema, "description": _described(serializer)}


def _described(serializer: serializers.BaseSerializer[Any]) -> str:
    return " ".join((type(serializer).__doc__ or "").split())


def _field(field: Any, *, taken: bool) -> Json:
    schema = _unbounded(field, taken=taken)
    if taken:
        schema |= _bounds(field)
    if field.help_text:
        schema["description"] = str(field.help_text)
    return {"anyOf": [schema, {"type": "null"}]} if field.allow_null and schema else schema


def _unbounded(field: Any, *, taken: bool) -> Json:
    if isinstance(field, serializers.BaseSerializer):
        return schema_of(field, taken=taken)
    if isinstance(field, serializers.SerializerMethodField):
        return _computed(field)
    if isinstance(field, serializers.ListField):
        return {"type": "array", "items": _field(field.child, taken=taken) if field.child else {}}
    if isinstance(field, serializers.DictField):
        return {"type": "object", "additionalProperties": _field(field.child, taken=taken) if field.child else {}}
    if isinstance(field, serializers.ChoiceField):
        return {"enum": list(field.choices)}
    for kind, schema in _KINDS:
        if isinstance(field, kind):
            return dict(schema)
    raise TypeError(f"OpenAPI cannot say what {type(field).__name__} is; teach {__name__}")


def _computed(field: Any) -> Json:
    """By what the method says that it returns."""
    method = getattr(type(field.parent), field.method_name)
    return _annotated(get_type_hints(method)["return"])


def _annotated(hint: Any) -> Json:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_annotated(part) for part in parts]}
    if origin is list:
        return {"type": "array", "items": _annotated(parts[0])}
    return dict(_PYTHON[origin or hint])


def _bounds(field: Any) -> Json:
    """What the framework checks of a value that is sent. It reads blank text as text that is missing."""
    bounds: Json = {}
    if isinstance(field, serializers.CharField) and not field.allow_blank:
        bounds["minLength"] = 1
    for ours, theirs in _BOUNDS.items():
        if (value := getattr(field, theirs, None)) is not None:
            bounds[ours] = value
    return bounds


_BOUNDS = {"maxLength": "max_length", "minimum": "min_value", "maximum": "max_value"}
