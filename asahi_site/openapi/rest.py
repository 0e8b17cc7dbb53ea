"""The management routes as OpenAPI has them, read from the URLs and from what their views say of themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.authentication import SessionAuthentication
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from asahi_site.openapi.serializers import schema_of
from governance.rest.described import Described, description_of
from governance.rest.keyed import KeyAuthentication

Json = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_TAKES_BODY = ("post", "put", "patch")
_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_KINDS: dict[str | None, Json] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
}


def rest_paths() -> dict[str, Json]:
    """Every path that Django REST framework serves, with its methods."""
    return {"/" + _PARAMETER.sub(r"{\g<name>}", route): _path(route, view) for route, view in rest_views()}


def rest_views() -> Iterator[tuple[str, type[APIView]]]:
    """The routes of the management API with their views."""
    return _views_among(get_resolver(settings.ROOT_URLCONF).url_patterns, "")


def _views_among(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, type[APIView]]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _views_among(pattern.url_patterns, route)
        else:
            view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            if isinstance(view, type) and issubclass(view, APIView):
                yield route, view


def _path(route: str, view: type[APIView]) -> Json:
    return {name: _operation(route, name, view) for name in _METHODS if hasattr(view, name)}


def _operation(route: str, method: str, view: type[APIView]) -> Json:
    described = description_of(getattr(view, method))
    assert described is not None, f"{view.__name__}.{method} is not described"
    operation: Json = {
        "operationId": f"{view.__module__}.{view.__name__}.{method}".replace(".", "_"),
        "summary": described.summary,
        "tags": [_tag(route)],
        "parameters": [_parameter(found) for found in _PARAMETER.finditer(route)],
        "responses": _answers(described, method, route),
        "security": _security(view),
    }
    if view.__doc__:
        operation["description"] = " ".join(view.__doc__.split())
    if described.takes is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": _body(described)}}
    return operation


def _tag(route: str) -> str:
    return route.split("/", 1)[0].capitalize()


def _parameter(found: re.Match[str]) -> Json:
    return {
        "name": found["name"],
        "in": "path",
        "required": True,
        "schema": _KINDS.get(found["kind"], {"type": "string"}),
    }


def _body(described: Described) -> Json:
    assert described.takes is not None
    body: Json = {"schema": schema_of(described.takes(), taken=True)}
    if described.example:
        body["example"] = dict(described.example)
    return body


def _answers(described: Described, method: str, route: str) -> Json:
    statuses = {*described.refuses}
    if method in _TAKES_BODY:
        statuses |= {400, 413, 415}
    if described.takes is not None:
        statuses.add(422)
    if "<" in route:
        statuses.add(404)
    answers = {
        str(status): _answer(serializer, listed=described.listed) for status, serializer in described.answers.items()
    }
    return answers | {str(status): {} for status in statuses}


def _answer(serializer: type[BaseSerializer[Any]] | None, *, listed: bool) -> Json:
    if serializer is None:
        return {"description": "Done"}
    schema = schema_of(serializer(), taken=False)
    if listed:
        rows = {"type": "array", "items": schema}
        schema = {"type": "object", "properties": {"data": rows}, "required": ["data"]}
    return {"description": "OK", "content": {"application/json": {"schema": schema}}}


def _security(view: type[APIView]) -> list[Json]:
    """The ways in, any of which will do."""
    ways: list[Json] = []
    for kind in view.authentication_classes:
        if issubclass(kind, KeyAuthentication):
            scope = view.scope.value  # type: ignore[attr-defined]
            ways += [{"bearer": [scope]}, {"apiKey": [scope]}]
        elif issubclass(kind, SessionAuthentication):
            ways.append({"session": []})
    return ways
