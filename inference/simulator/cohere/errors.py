"""Cohere's error shape, and its words for a field that does not fit."""

from __future__ import annotations

import msgspec

from inference.simulator.exchange import Headers
from inference.simulator.refusals import Fault, Refusal, Violation

_OUTAGES = {
    401: "invalid api token",
    402: "the account must be topped up",
    403: "this key may not use the resource",
    429: "too many requests: the rate limit of this key was reached",
    498: "the safety filter blocked this request",
    503: "service unavailable",
    504: "the request timed out",
}


class CohereDialect:
    """`{"id", "message"}`; a refusal's kind has no place in it."""

    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return msgspec.json.encode({"id": request_id.removeprefix("req_"), "message": refusal.message})

    def headers(self, request_id: str, milliseconds: int) -> Headers:  # noqa: ARG002 - it does not tell its time
        return ((b"x-debug-trace-id", request_id.removeprefix("req_").encode()),)

    def error_event(self, refusal: Refusal, request_id: str, path: str) -> bytes:  # noqa: ARG002 - all are alike
        """An answer that ends with an error for its reason."""
        end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": refusal.message}}
        return b"event: message-end\ndata: " + msgspec.json.encode(end) + b"\n\n"

    def outage(self, status: int) -> Refusal:
        return Refusal(status, "", _OUTAGES.get(status, "internal server error (simulated)"))


def invalid(message: str) -> Refusal:
    return Refusal(400, "", f"invalid request: {message}")


def missing_key() -> Refusal:
    return Refusal(401, "", "no api key supplied")


def unknown_model(model: str) -> Refusal:
    return Refusal(404, "", f"model '{model}' not found, make sure the model id is right and that you may use it.")


def unknown_url() -> Refusal:
    return Refusal(404, "", "the requested endpoint was not found")


def misfit(violation: Violation) -> Refusal:
    """A field that is missing, unknown or of the wrong type or value, as Cohere reports it."""
    at = violation.dotted()
    match violation.fault:
        case Fault.MISSING if at == "model":
            return Refusal(400, "", "a model parameter is required for this endpoint.")
        case Fault.MISSING:
            return invalid(f"{at} is required")
        case Fault.UNKNOWN:
            return Refusal(422, "", f"unknown field: parameter '{at}' is not a valid field")
        case _:
            return invalid(f"parameter '{at}': {violation.problem}")


def not_json(reason: str) -> Refusal:
    return invalid(f"the body is not valid JSON: {reason}")
