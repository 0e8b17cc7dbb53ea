"""The one document: ninja's routes, which ninja describes, and Django REST framework's beside them."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema
from ninja.operation import Operation
from pydantic.json_schema import models_json_schema

from asahi_site.openapi import answers
from governance.auth import ApiKeyAuth
from inference.api.bodies import COMPONENTS
from inference.api.schemas import AnthropicError, NativeError, OpenAIError

Json = dict[str, Any]

_SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An Asahi API key."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An Asahi API key."},
    "session": {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "Signed in in a browser."},
    "operator": {"type": "http", "scheme": "bearer", "description": "`ASAHI_ADMIN_SECRET` of this deployment."},
}
_TAGS = {
    "Asahi": "The native call, and the models there are.",
    "OpenAI-compatible": "What OpenAI's clients speak. Errors have OpenAI's shape.",
    "Anthropic-compatible": "What Anthropic's clients speak. Errors have Anthropic's shape.",
    "Receipts": "What one request cost, and why.",
    "Analytics": "What an organization's requests cost and saved.",
    "Governance": "What an organization manages.",
    "Cache": "What the caches keep.",
    "Operations": "For whoever runs this deployment.",
}


class Document(OpenAPISchema):
    """Everything that answers in JSON, with every status it can answer."""

    def __init__(self, api: NinjaAPI, path_prefix: str) -> None:
        super().__init__(api, path_prefix)
        used = {tag for _, operation in _operations(self["paths"]) for tag in operation.get("tags", ())}
        self["tags"] = [{"name": name, "description": said} for name, said in _TAGS.items() if name in used]

    def get_paths(self) -> Json:
        from asahi_site.openapi.rest import rest_paths  # with REST framework: only whoever reads this document needs it

        paths: Json = {**super().get_paths(), **rest_paths()}
        for path, operation in _operations(paths):
            answers.complete(path, operation)
        return dict(sorted(paths.items()))

    def operation_security(self, operation: Operation) -> list[Json] | None:
        """A key in either header, and the scope it needs."""
        ways: list[Json] = []
        for auth in operation.auth_callbacks:
            if isinstance(auth, ApiKeyAuth):
                ways += [{"bearer": [auth.scope.value]}, {"apiKey": [auth.scope.value]}]
            else:
                ways.append({"operator": []})
        return ways or None

    def get_components(self) -> Json:
        _, errors = models_json_schema(
            [(model, "serialization") for model in (OpenAIError, AnthropicError, NativeError)],
            ref_template=REF_TEMPLATE,
        )
        schemas = {**self.schemas, **errors["$defs"], **COMPONENTS}
        return {
            "schemas": dict(sorted(schemas.items())),
            "responses": answers.components(),
            "securitySchemes": _SCHEMES,
        }


def _operations(paths: Json) -> list[tuple[str, Json]]:
    return [(path, operation) for path, methods in paths.items() for operation in methods.values()]
