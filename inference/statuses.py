"""The HTTP status of every refusal, whether it is answered at once or written into a batch's error file."""

from __future__ import annotations

from inference.domain import Refusal, RefusalKind

STATUS: dict[RefusalKind, int] = {
    RefusalKind.INVALID: 400,
    RefusalKind.UNPROCESSABLE: 422,
    RefusalKind.UNKNOWN_MODEL: 400,
    RefusalKind.CONFLICT: 409,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.RATE_LIMITED: 429,
    RefusalKind.OVER_BUDGET: 429,
    RefusalKind.OVER_PLAN: 429,
    RefusalKind.NO_MODEL: 503,
    RefusalKind.PROVIDER_FAILED: 503,
    RefusalKind.PROVIDER_REJECTED: 400,
    RefusalKind.PROVIDER_KEY: 400,
    RefusalKind.UNAVAILABLE: 503,
    RefusalKind.CANCELLED: 503,
    RefusalKind.INTERNAL: 500,
}


def status_of(refusal: Refusal, *, compatible: bool) -> int:
    """`compatible`: for the clients of OpenAI and Anthropic, to whom an unknown model is not found."""
    if compatible and refusal.kind is RefusalKind.UNKNOWN_MODEL:
        return 404
    if refusal.kind is RefusalKind.PROVIDER_REJECTED and refusal.status:
        return refusal.status
    return STATUS[refusal.kind]
