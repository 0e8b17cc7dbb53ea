"""Instances of JSON schemas: whatever the schema asks for, the instance fits it."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from inference.simulator.chance import Chance
from inference.simulator.patterns import string_matching
from inference.simulator.schemas import Filler, UnsatisfiableSchemaError

WORDS = ["Paris", "Lisbon"]


def fill(schema: dict[str, Any], seed: int = 0) -> Any:
    return Filler(schema, words=WORDS, chance=Chance(seed)).fill()


class Leaf(BaseModel):
    label: Annotated[str, Field(min_length=3, max_length=8)]
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3,5}$")]
    when: datetime
    day: date
    key: UUID


class Tree(BaseModel):
    name: str
    kind: Literal["oak", "elm"]
    size: Annotated[int, Field(gt=10, lt=12)]
    share: Annotated[float, Field(ge=0, le=1)]
    even: Annotated[int, Field(multiple_of=2, ge=3, le=9)]
    leaf: Leaf
    children: list[Tree]
    parent: Tree | None
    either: int | list[str] | Leaf
    pair: tuple[int, str]
    tags: Annotated[set[Literal["a", "b", "c"]], Field(min_length=2)]
    extra: dict[str, int]
    maybe: str | None = None


@given(seed=st.integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_a_rich_type_is_always_filled_validly(seed: int) -> None:
    Tree.model_validate(fill(Tree.model_json_schema(), seed))


@given(seed=st.integers(0, 2**64 - 1))
@settings(max_examples=30, deadline=None)
def test_the_same_choices_fill_the_same(seed: int) -> None:
    schema = Tree.model_json_schema()

    assert fill(schema, seed) == fill(schema, seed)


@given(low=st.integers(-1000, 1000), width=st.integers(0, 50), seed=st.integers(0, 1000))
@settings(deadline=None)
def test_a_number_stays_between_its_bounds(low: int, width: int, seed: int) -> None:
    value = fill({"type": "integer", "minimum": low, "maximum": low + width}, seed)

    assert isinstance(value, int)
    assert low <= value <= low + width


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "integer", "maximum": -5}, int),
        ({"type": "number", "exclusiveMinimum": 2, "exclusiveMaximum": 3}, float),
        ({"type": ["string", "null"]}, str),
        ({"type": "boolean"}, bool),
        ({"type": "null"}, type(None)),
        ({}, str),
        ({"properties": {"a": {"type": "integer"}}}, dict),
        ({"items": {"type": "integer"}}, list),
    ],
)
def test_a_simple_schema_gets_its_type(schema: dict[str, Any], kind: type) -> None:
    assert isinstance(fill(schema), kind)


def test_exclusive_bounds_are_not_touched() -> None:
    for seed in range(20):
        assert 2 < fill({"type": "number", "exclusiveMinimum": 2, "exclusiveMaximum": 3}, seed) < 3


def test_all_of_is_merged_and_required_names_without_a_schema_are_filled() -> None:
    schema = {
        "allOf": [{"$ref": "#/$defs/a"}, {"properties": {"b": {"const": 2}}, "required": ["b"]}],
        "required": ["c"],
        "$defs": {"a": {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}},
    }
    filled = fill(schema)

    assert (filled["a"], filled["b"]) == (1, 2)
    assert "c" in filled


def test_the_words_of_the_prompt_fill_plain_strings() -> None:
    assert fill({"type": "object", "properties": {"city": {"type": "string"}}})["city"] in WORDS


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/missing"},
        {"$ref": "#"},
        {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]},
        {"type": "string", "pattern": "(?=lookahead)x"},
    ],
)
def test_what_cannot_be_filled_is_said_to_be_so(schema: dict[str, Any]) -> None:
    with pytest.raises(UnsatisfiableSchemaError):
        fill(schema)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{4}-\d{2}$",
        r"[a-c]+x?",
        r"^(foo|bar)baz$",
        r"^[^0-9]{3}$",
        r"\w+@\w+\.(com|org)",
        r"^.{2,3}$",
        r"^a*?b+$",
        "x",
    ],
)
def test_a_pattern_is_matched(pattern: str) -> None:
    for seed in range(25):
        text = string_matching(pattern, Chance(seed))
        assert text is not None
        assert re.search(pattern, text)


def test_nested_unions_end() -> None:
    json_value: Any = TypeAdapter(Tree | list[Tree]).json_schema()

    assert len(str(fill(json_value))) < 1_000_000
