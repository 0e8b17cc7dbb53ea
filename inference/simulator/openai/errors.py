"""OpenAI's error shape, and its words for a field that does not fit."""

from __future__ import annotations

import msgspec

from inference.simulator.exchange import Headers
from inference.simulator.refusals import Fault, Refusal, Violation

INVALID = "invalid_request_error"
_OUTAGES = {
    401: (INVALID, "invalid_api_key", "The API key was not accepted."),
    403: (INVALID, "unsupported_country_region_territory", "This request is not allowed from here."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Try again after a while."),
    503: ("service_unavailable_error", "server_is_overloaded", "The servers are overloaded at the moment."),
}


class OpenAIDialect:
    """`{"error": {"message", "type", "param", "code"}}`."""

    def error_body(self, refusal: Refusal, request_id: str) -> bytes:  # noqa: ARG002 - the id is in a header only
        error = {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
        return msgspec.json.encode({"error": error})

    def headers(self, request_id: str, milliseconds: int) -> Headers:
        return (
            (b"x-request-id", request_id.encode()),
            (b"openai-processing-ms", b"%d" % milliseconds),
            (b"openai-version", b"2020-10-01"),
        )

    def error_event(self, refusal: Refusal, request_id: str, path: str) -> bytes:
        """Chat streams have no named events; the events of responses do, and are numbered."""
        if not path.endswith("/responses"):
            return b"data: " + self.error_body(refusal, request_id) + b"\n\n"
        told = {"type": "error", "code": refusal.code or refusal.kind, "message": refusal.message, "param": None}
        return b"event: error\ndata: " + msgspec.json.encode({**told, "sequence_number": 0}) + b"\n\n"

    def outage(self, status: int) -> Refusal:
        kind, code, message = _OUTAGES.get(status, ("server_error", None, "The server had an error (simulated)."))
        return Refusal(status, kind, message, code=code)


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> Refusal:
    return Refusal(400, INVALID, message, param=param, code=code)


def missing_key() -> Refusal:
    message = "No API key was given. Send it as 'Authorization: Bearer YOUR_KEY'."
    return Refusal(401, INVALID, message)


def unknown_model(model: str) -> Refusal:
    message = f"The model `{model}` does not exist or you do not have access to it."
    return Refusal(404, INVALID, message, code="model_not_found")


def unknown_url(method: str, path: str) -> Refusal:
    return Refusal(404, INVALID, f"Invalid URL ({method} {path})", code="unknown_url")


def misfit(violation: Violation) -> Refusal:
    """A field that is missing, unknown or of the wrong type or value, as OpenAI reports it."""
    param = violation.bracketed() or None
    match violation.fault:
        case Fault.MISSING if param == "model":
            return invalid("you must provide a model parameter")
        case Fault.MISSING:
            return invalid(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")
        case Fault.UNKNOWN:
            return invalid(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")
        case Fault.EMPTY:
            return invalid(f"Invalid '{param}': {violation.problem}.", param=param, code="invalid_array_length")
        case Fault.TYPE:
            return invalid(f"Invalid type for '{param}': {violation.problem}.", param=param, code="invalid_type")
        case _:
            return invalid(f"Invalid value for '{param}': {violation.problem}.", param=param, code="invalid_value")


def not_json(reason: str) -> Refusal:
    return invalid(f"The JSON body of the request could not be parsed: {reason}")
