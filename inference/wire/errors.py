"""What goes wrong, in the vocabulary of each wire's error shape."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from inference.domain import RefusalKind


class ErrorKind(StrEnum):
    """The errors a gateway can answer with, beyond refusing a call."""

    UNAUTHENTICATED = "unauthenticated"
    TOO_LARGE = "too_large"
    NOT_FOUND = "not_found"
    INTERNAL = "internal"


Kind = RefusalKind | ErrorKind

OPENAI: Final[dict[Kind, tuple[str, str | None]]] = {
    RefusalKind.INVALID: ("invalid_request_error", None),
    RefusalKind.UNPROCESSABLE: ("invalid_request_error", None),
    RefusalKind.UNKNOWN_MODEL: ("invalid_request_error", "model_not_found"),
    RefusalKind.CONFLICT: ("invalid_request_error", "idempotency_conflict"),
    RefusalKind.FORBIDDEN: ("permission_error", "forbidden"),
    RefusalKind.RATE_LIMITED: ("rate_limit_error", "rate_limit_exceeded"),
    RefusalKind.OVER_BUDGET: ("insufficient_quota", "budget_exceeded"),
    RefusalKind.OVER_PLAN: ("insufficient_quota", "plan_limit_exceeded"),
    RefusalKind.NO_MODEL: ("server_error", "no_model_available"),
    RefusalKind.PROVIDER_FAILED: ("server_error", "provider_failed"),
    RefusalKind.PROVIDER_REJECTED: ("invalid_request_error", "provider_rejected"),
    RefusalKind.PROVIDER_KEY: ("invalid_request_error", "provider_key_refused"),
    RefusalKind.UNAVAILABLE: ("server_error", "service_unavailable"),
    RefusalKind.CANCELLED: ("server_error", "cancelled"),
    RefusalKind.INTERNAL: ("server_error", "internal_error"),
    ErrorKind.UNAUTHENTICATED: ("invalid_request_error", "invalid_api_key"),
    ErrorKind.TOO_LARGE: ("invalid_request_error", "request_too_large"),
    ErrorKind.NOT_FOUND: ("invalid_request_error", "not_found"),
    ErrorKind.INTERNAL: ("server_error", "internal_error"),
}
"""OpenAI's error `type` and usual `code`."""

ANTHROPIC: Final[dict[Kind, str]] = {
    RefusalKind.INVALID: "invalid_request_error",
    RefusalKind.UNPROCESSABLE: "invalid_request_error",
    RefusalKind.UNKNOWN_MODEL: "not_found_error",
    RefusalKind.CONFLICT: "invalid_request_error",
    RefusalKind.FORBIDDEN: "permission_error",
    RefusalKind.RATE_LIMITED: "rate_limit_error",
    RefusalKind.OVER_BUDGET: "rate_limit_error",
    RefusalKind.OVER_PLAN: "rate_limit_error",
    RefusalKind.NO_MODEL: "overloaded_error",
    RefusalKind.PROVIDER_FAILED: "api_error",
    RefusalKind.PROVIDER_REJECTED: "invalid_request_error",
    RefusalKind.PROVIDER_KEY: "invalid_request_error",
    RefusalKind.UNAVAILABLE: "overloaded_error",
    RefusalKind.CANCELLED: "api_error",
    RefusalKind.INTERNAL: "api_error",
    ErrorKind.UNAUTHENTICATED: "authentication_error",
    ErrorKind.TOO_LARGE: "request_too_large",
    ErrorKind.NOT_FOUND: "not_found_error",
    ErrorKind.INTERNAL: "api_error",
}
"""Anthropic's error `type`."""
