"""`/openapi.json`: every JSON route, and nothing that is not so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from rest_framework import serializers

from asahi_site.api import api
from asahi_site.openapi.rest import rest_views
from asahi_site.openapi.serializers import schema_of

Json = dict[str, Any]
_METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document() -> Json:
    whole: Json = json.loads(json.dumps(api.get_openapi_schema()))
    return whole


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_route_of_ninja_is_in_the_document(document: Json) -> None:
    routes = {
        (re.sub(r"{\w+:", "{", f"{router.prefix}{path}"), method.lower())
        for router in api._get_bound_routers()
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
    }
    assert len(routes) > 30
    assert routes <= {(path, method) for path, method, _ in operations(document)}


def test_every_route_of_the_management_api_is_in_the_document(document: Json) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{route}"), method)
        for route, view in rest_views()
        for method in _METHODS
        if hasattr(view, method)
    }
    assert ("/governance/provider-keys/{key_id}", "delete") in routes
    assert routes <= {(path, method) for path, method, _ in operations(document)}


def test_every_reference_leads_somewhere(document: Json) -> None:
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)))
    assert len(references) > 50
    for reference in references:
        found = document
        for step in reference.split("/"):
            found = found[step]


def test_every_operation_has_an_id_a_summary_and_a_tag_of_its_own(document: Json) -> None:
    known = {tag["name"] for tag in document["tags"]}
    identifiers = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(identifiers) == len(set(identifiers))
    for path, method, operation in operations(document):
        assert operation["summary"], (path, method)
        assert len(operation["tags"]) == 1, (path, method)
        assert set(operation["tags"]) <= known, (path, method)


def test_what_needs_a_key_says_so_and_which_scope(document: Json) -> None:
    schemes = document["components"]["securitySchemes"]
    for path, method, operation in operations(document):
        ways = operation.get("security", [])
        assert bool(ways) == (path != "/health"), (path, method)
        assert {name for way in ways for name in way} <= set(schemes)
        assert ("401" in operation["responses"]) == bool(ways)
    chat = document["paths"]["/v1/chat/completions"]["post"]["security"]
    assert chat == [{"bearer": ["infer"]}, {"apiKey": ["infer"]}]


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/chat/completions", "OpenAIError"),
        ("/v1/messages", "AnthropicError"),
        ("/infer", "NativeError"),
        ("/cache/purge", "NativeError"),
    ],
)
def test_an_error_has_the_shape_of_its_wire(document: Json, path: str, shape: str) -> None:
    answer = document["paths"][path]["post"]["responses"]["401"]
    named = answer["$ref"].rsplit("/", 1)[-1]
    schema = document["components"]["responses"][named]["content"]["application/json"]["schema"]
    assert schema == {"$ref": f"#/components/schemas/{shape}"}


def test_a_field_says_what_becomes_of_it(document: Json) -> None:
    fields = document["components"]["schemas"]["ChatRequest"]["properties"]
    assert "unchanged" in fields["seed"]["description"]
    assert "own provider key" in fields["store"]["description"]
    assert "autopilot" in fields["model"]["description"]
    assert "betas" not in document["components"]["schemas"]["MessagesRequest"]["properties"]


def test_every_example_fits_its_own_schema(document: Json) -> None:
    examples = 0
    for path, method, operation in operations(document):
        for body in operation.get("requestBody", {}).get("content", {}).values():
            schema = {**body["schema"], "components": document["components"]}
            given = [named["value"] for named in body.get("examples", {}).values()]
            for example in given + ([body["example"]] if "example" in body else []):
                assert jsonschema_rs.is_valid(schema, example), (path, method, example)
                examples += 1
    assert examples >= 20


def test_the_kinds_of_fields_a_serializer_may_have() -> None:
    class Inner(serializers.Serializer[Any]):
        at = serializers.DateTimeField(allow_null=True)

    class Outer(serializers.Serializer[Any]):
        """What it is."""

        name = serializers.CharField(max_length=5)
        count = serializers.IntegerField(min_value=1, required=False, help_text="How many")
        kind = serializers.ChoiceField(choices=["a", "b"])
        inner = Inner(many=True)
        secret = serializers.CharField(write_only=True, allow_blank=True)
        said = serializers.SerializerMethodField()

        def get_said(self, row: Any) -> list[str] | None:
            return None

    taken, answered = schema_of(Outer(), taken=True), schema_of(Outer(), taken=False)
    assert taken["required"] == ["name", "kind", "inner", "secret"]
    assert taken["additionalProperties"] is False
    assert taken["properties"]["name"] == {"type": "string", "minLength": 1, "maxLength": 5}
    assert taken["properties"]["count"] == {"type": "integer", "minimum": 1, "description": "How many"}
    assert taken["properties"]["secret"] == {"type": "string"}
    assert "said" not in taken["properties"]
    assert "secret" not in answered["properties"]
    assert answered["description"] == "What it is."
    assert answered["properties"]["kind"] == {"enum": ["a", "b"]}
    assert answered["properties"]["said"] == {
        "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]
    }
    at = answered["properties"]["inner"]["items"]["properties"]["at"]
    assert at == {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}


def test_a_field_that_cannot_be_said_is_an_error() -> None:
    class Odd(serializers.Serializer[Any]):
        upload = serializers.FileField()

    with pytest.raises(TypeError, match="FileField"):
        schema_of(Odd(), taken=True)
