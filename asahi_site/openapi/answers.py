"""What any route may answer besides what it is for, in the error shape of its wire.

A route says which refusals are its own; those that come before it (no key, a body too large), and those that may befall
any request, are added here, by who serves it.
"""

from __future__ import annotations

from typing import Any

from asahi_site.lean_paths import is_lean
from inference.api.header_schemas import REQUEST_ID

Json = dict[str, Any]

_OPENAI, _ANTHROPIC, _NATIVE = "OpenAIError", "AnthropicError", "NativeError"
_PROVIDERS = "4XX"

_MEANS: dict[str, str] = {
    "400": "The request is not valid, or the provider says so",
    "401": "No key, or not a good one",
    "403": "The key lacks the scope, or the organization's policy forbids it",
    "404": "There is no such model, or nothing of your organization by that name",
    "405": "Not by this method",
    "408": "The body did not arrive in time",
    "409": "Not as things stand, such as a key of idempotency that was used for another request",
    "413": "The body is too large",
    "415": "Not in this content type",
    "422": "The request was read, and does not make sense",
    "429": "Over a limit or a budget; try again after the time said",
    "500": "Our own trouble; the request id helps us find it",
    "502": "A service beside the provider failed",
    "503": "No provider can answer now, or a part of Asahi is away; try again",
    _PROVIDERS: "The provider's own refusal of the request, passed on with its status",
}
_EXTRA: dict[str, Json] = {
    "401": {"www-authenticate": {"required": True, "schema": {"type": "string"}, "description": "How to ask again."}},
    "405": {"allow": {"required": True, "schema": {"type": "string"}, "description": "The methods there are."}},
    "429": {
        "retry-after": {
            "required": False,
            "schema": {"type": "integer", "minimum": 1},
            "description": "Seconds until it is worth trying again.",
        }
    },
}


def shape_of_errors(path: str) -> str:
    """The component that a path's errors look like."""
    if path.startswith("/v1/messages"):
        return _ANTHROPIC
    return _OPENAI if path.startswith("/v1/") else _NATIVE


def components() -> dict[str, Json]:
    """An answer for each status and shape."""
    return {
        _name(shape, status): _answer(shape, status) for shape in (_OPENAI, _ANTHROPIC, _NATIVE) for status in _MEANS
    }


def _answer(shape: str, status: str) -> Json:
    schema: Json = {"$ref": f"#/components/schemas/{shape}"}
    if status == _PROVIDERS:  # in the provider's own words
        schema = {"type": "object"}
    return {
        "description": _MEANS[status],
        "headers": {**REQUEST_ID, **_EXTRA.get(status, {})},
        "content": {"application/json": {"schema": schema}},
    }


def _name(shape: str, status: str) -> str:
    return f"{shape}{status}"


def complete(path: str, operation: Json) -> None:
    """Put every refusal of an operation in its place, and add what it does not know of."""
    shape, answers = shape_of_errors(path), operation["responses"]
    said = {str(status): answer for status, answer in answers.items()}
    wanted = {*said, *_always(path, operation)}
    operation["responses"] = {
        status: said[status]
        if status in said and (status < "400" or _is_report(path, status))
        else {"$ref": f"#/components/responses/{_name(shape, status)}"}
        for status in sorted(wanted)
    }


def _is_report(path: str, status: str) -> bool:
    """Not every 503 is an error: that of `/health` is the report that was asked for."""
    return (path, status) == ("/health", "503")


def _always(path: str, operation: Json) -> set[str]:
    statuses = {"405", "500", "503"}
    ways = operation.get("security", ())
    if ways:
        statuses.add("401")
    if any(scopes for way in ways for scopes in way.values()):
        statuses.add("403")
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            statuses.add("400" if path.startswith("/v1/") else "422")
        elif parameter["name"] == "Idempotency-Key":
            statuses.add("409")
    if is_lean(path):  # which reads the body of every request
        statuses |= {"408", "413"}
    return statuses
