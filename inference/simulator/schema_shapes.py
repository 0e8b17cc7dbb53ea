"""Whether something is a JSON schema at all. A provider refuses a schema that is none; filling one relies on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

Kind = Literal["object", "array", "string", "integer", "number", "boolean", "null"]
Size = Annotated[int, Meta(ge=0)] | UnsetType
Number = float | UnsetType


class Shape(Struct):
    """The keywords that are looked at when a schema is filled, in the types they must have. Others may be anything."""

    type: Kind | Annotated[list[Kind], Meta(min_length=1)] | UnsetType = UNSET
    enum: Annotated[list[Any], Meta(min_length=1)] | UnsetType = UNSET
    ref: str | UnsetType = field(name="$ref", default=UNSET)
    defs: dict[str, Shape | bool] | UnsetType = field(name="$defs", default=UNSET)
    definitions: dict[str, Shape | bool] | UnsetType = UNSET
    any_of: Annotated[list[Shape | bool], Meta(min_length=1)] | UnsetType = field(name="anyOf", default=UNSET)
    one_of: Annotated[list[Shape | bool], Meta(min_length=1)] | UnsetType = field(name="oneOf", default=UNSET)
    all_of: Annotated[list[Shape | bool], Meta(min_length=1)] | UnsetType = field(name="allOf", default=UNSET)
    properties: dict[str, Shape | bool] | UnsetType = UNSET
    required: list[str] | UnsetType = UNSET
    additional_properties: Shape | bool | UnsetType = field(name="additionalProperties", default=UNSET)
    items: Shape | bool | UnsetType = UNSET
    prefix_items: list[Shape | bool] | UnsetType = field(name="prefixItems", default=UNSET)
    min_items: Size = field(name="minItems", default=UNSET)
    max_items: Size = field(name="maxItems", default=UNSET)
    min_length: Size = field(name="minLength", default=UNSET)
    max_length: Size = field(name="maxLength", default=UNSET)
    pattern: str | UnsetType = UNSET
    format: str | UnsetType = UNSET
    minimum: Number = UNSET
    maximum: Number = UNSET
    exclusive_minimum: Number = field(name="exclusiveMinimum", default=UNSET)
    exclusive_maximum: Number = field(name="exclusiveMaximum", default=UNSET)
    multiple_of: Annotated[float, Meta(gt=0)] | UnsetType = field(name="multipleOf", default=UNSET)


def problem_of(schema: Any) -> str | None:
    """What keeps this from being a schema; None when nothing does."""
    try:
        msgspec.convert(schema, Shape)
    except (msgspec.ValidationError, RecursionError) as error:
        return str(error)
    return None
