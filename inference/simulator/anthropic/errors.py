"""Anthropic's error shape, and its words for a field that does not fit."""

from __future__ import annotations

import msgspec

from inference.simulator.exchange import Headers
from inference.simulator.refusals import Fault, Refusal, Violation

INVALID = "invalid_request_error"
_OUTAGES = {
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "The account has no credit left."),
    403: ("permission_error", "This key may not use the resource."),
    404: ("not_found_error", "Not found"),
    429: ("rate_limit_error", "This request would exceed the rate limit. Try again after a while."),
    504: ("timeout_error", "The request timed out."),
    529: ("overloaded_error", "Overloaded"),
}


class AnthropicDialect:
    """`{"type": "error", "error": {"type", "message"}, "request_id"}`."""

    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        error = {"type": refusal.kind, "message": refusal.message}
        return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})

    def headers(self, request_id: str, milliseconds: int) -> Headers:  # noqa: ARG002 - it does not tell its time
        return ((b"request-id", request_id.encode()),)

    def error_event(self, refusal: Refusal, request_id: str, path: str) -> bytes:  # noqa: ARG002 - all are alike
        return b"event: error\ndata: " + self.error_body(refusal, request_id) + b"\n\n"

    def outage(self, status: int) -> Refusal:
        kind, message = _OUTAGES.get(status, ("api_error", "Internal server error (simulated)"))
        return Refusal(status, kind, message)


def invalid(message: str) -> Refusal:
    return Refusal(400, INVALID, message)


def missing_key() -> Refusal:
    return Refusal(401, "authentication_error", "A key is required: send x-api-key or Authorization: Bearer")


def missing_version() -> Refusal:
    return invalid("anthropic-version: header is required")


def unknown_model(model: str) -> Refusal:
    return Refusal(404, "not_found_error", f"model: {model}")


def unknown_url() -> Refusal:
    return Refusal(404, "not_found_error", "Not Found")


def misfit(violation: Violation) -> Refusal:
    """A field that is missing, unknown or of the wrong type or value, as Anthropic reports it."""
    at = violation.dotted()
    match violation.fault:
        case Fault.MISSING:
            return invalid(f"{at}: Field required")
        case Fault.UNKNOWN:
            return invalid(f"{at}: Extra inputs are not permitted")
        case _:
            return invalid(f"{at or 'body'}: {violation.problem}")


def not_json(reason: str) -> Refusal:
    return invalid(f"The request body is not valid JSON: {reason}")
