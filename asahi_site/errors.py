"""Every error → HTTP, in one place.

`/v1` speaks OpenAI's error shape, `/v1/messages` Anthropic's, everything else
`{"error": {"type", "message", "request_id", "details"}}`. The exceptions that end here:

    Refused                  a refusal value on its way out of a view
    AuthRefused              401, or 403 for a missing scope
    Http404, ninja's ValidationError and HttpError
    anything else            500, with the request id and nothing internal
"""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
from django.db import OperationalError
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja.errors import HttpError, ValidationError

from analytics.ids import new_request_id
from governance.auth import AuthRefused
from inference.api.render import JSON, RawHeaders, Refused, WireResponse, request_id_headers
from inference.domain import Refusal, RefusalKind, Wire
from inference.statuses import status_of
from inference.wire.errors import ErrorKind, Kind
from inference.wire.format import format_of

log = logging.getLogger(__name__)

_ASK_FOR_A_KEY: RawHeaders = [(b"www-authenticate", b'Bearer realm="asahi"')]
_OPENAI_PATHS = frozenset({"/v1/chat/completions", "/v1/embeddings", "/v1/responses"})
_KIND_OF_STATUS: dict[int, Kind] = {
    400: RefusalKind.INVALID,
    401: ErrorKind.UNAUTHENTICATED,
    403: RefusalKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    405: RefusalKind.INVALID,
    409: RefusalKind.CONFLICT,
    413: ErrorKind.TOO_LARGE,
    415: RefusalKind.INVALID,
    422: RefusalKind.UNPROCESSABLE,
    429: RefusalKind.RATE_LIMITED,
    503: RefusalKind.UNAVAILABLE,
}


def response_for(request: HttpRequest, error: Exception) -> WireResponse:
    """The answer to a request that ended in an exception."""
    if isinstance(error, Refused):
        return _refused(request, error.refusal)
    if isinstance(error, AuthRefused):
        return _auth_refused(request, error)
    if isinstance(error, Http404):
        return _error(request, 404, ErrorKind.NOT_FOUND, f"there is nothing at {request.path_info[:200]}")
    if isinstance(error, HttpError):
        extra = _ASK_FOR_A_KEY if error.status_code == 401 else None
        return _error(request, error.status_code, _kind(error.status_code), str(error), extra=extra)
    if isinstance(error, ValidationError):
        status = 400 if _is_v1(request) else 422
        return _error(request, status, _kind(status), _first_problem(error), details={"errors": error.errors})
    return _failed(request, error)


def _first_problem(error: ValidationError) -> str:
    """`limit: Input should be less than or equal to 100`: OpenAI's shape has no place for more than one."""
    for problem in error.errors[:1]:
        return f"{problem['loc'][-1]}: {problem['msg']}" if problem.get("loc") else str(problem["msg"])
    return "the request is not valid"


def _failed(request: HttpRequest, error: Exception) -> WireResponse:
    """Our own trouble: 503 when the database is away, else 500."""
    if isinstance(error, psycopg.OperationalError | OperationalError):
        log.error("database.away", extra={"error": type(error).__name__})
        return _error(request, 503, RefusalKind.UNAVAILABLE, "the service cannot reach its database; try again")
    log.exception("request.failed", exc_info=error, extra={"path": request.path_info[:200]})
    return _error(
        request, 500, ErrorKind.INTERNAL, "something went wrong inside Asahi; the request id helps us find it"
    )


def own(request: HttpRequest, response: HttpResponseBase) -> WireResponse:
    """An error that a framework has rendered, in our shape instead. Keeps what it says in headers, such as Allow."""
    status = response.status_code
    message = f"{HTTPStatus(status).phrase.lower()}: {request.method} {request.path_info[:200]}"
    allow = response.headers.get("Allow")
    extra: RawHeaders = [(b"allow", allow.encode("ascii"))] if allow else []
    return _error(request, status, _kind(status), message, extra=extra)


def body_too_large(request: HttpRequest, limit: int) -> WireResponse:
    return _error(request, 413, ErrorKind.TOO_LARGE, f"the body is larger than {limit} bytes")


def body_too_slow(request: HttpRequest, seconds: float) -> WireResponse:
    return _error(
        request, 408, RefusalKind.INVALID, f"the body did not arrive within {seconds:g} seconds",
        extra=[(b"connection", b"close")],
    )  # fmt: skip


def _auth_refused(request: HttpRequest, error: AuthRefused) -> WireResponse:
    if error.missing_scope is not None:
        details = {"missing_scope": error.missing_scope.value}
        return _error(request, 403, RefusalKind.FORBIDDEN, str(error), details=details)
    return _error(request, 401, ErrorKind.UNAUTHENTICATED, str(error), extra=_ASK_FOR_A_KEY)


def _refused(request: HttpRequest, refusal: Refusal) -> WireResponse:
    status = status_of(refusal, compatible=_is_v1(request))
    if refusal.kind is RefusalKind.PROVIDER_REJECTED and refusal.body and _is_v1(request):
        return WireResponse(status, [JSON, *_id_headers(request)], refusal.body)
    extra: RawHeaders = []
    if refusal.retry_after is not None:
        extra.append((b"retry-after", b"%d" % max(1, math.ceil(refusal.retry_after))))
    return _error(request, status, refusal.kind, refusal.message, details=dict(refusal.details), extra=extra)


def _error(
    request: HttpRequest, status: int, kind: Kind, message: str, *,
    details: dict[str, Any] | None = None, extra: RawHeaders | None = None,
) -> WireResponse:  # fmt: skip
    body = _body(request, kind, message, details or {})
    return WireResponse(status, [JSON, *_id_headers(request), *(extra or [])], body)


def _body(request: HttpRequest, kind: Kind, message: str, details: dict[str, Any]) -> bytes:
    request_id = request_id_of(request)
    if _is_v1(request):
        wire = Wire.MESSAGES if _speaks_anthropic(request) else Wire.CHAT
        param, code = details.get("param"), details.get("code")
        return format_of(wire).error_body(kind, message, param=param, code=code, request_id=request_id)
    error = {"type": kind.value, "message": message, "request_id": request_id, "details": details}
    return msgspec.json.encode({"error": error})


def request_id_of(request: HttpRequest) -> str:
    """The id of a request, given to it when it arrived, or now."""
    arrival = getattr(request, "asahi_arrival", None)
    if arrival is not None:
        return str(arrival.request_id)
    request_id: str = request.__dict__.setdefault("asahi_request_id", new_request_id())
    return request_id


def _id_headers(request: HttpRequest) -> RawHeaders:
    return request_id_headers(request_id_of(request))


def _is_v1(request: HttpRequest) -> bool:
    return request.path_info.startswith("/v1/")


def _speaks_anthropic(request: HttpRequest) -> bool:
    """By the path, or where a path says nothing by the header that only Anthropic's clients send."""
    path = request.path_info
    return path.startswith("/v1/messages") or ("HTTP_ANTHROPIC_VERSION" in request.META and path not in _OPENAI_PATHS)


def _kind(status: int) -> Kind:
    return _KIND_OF_STATUS.get(status, ErrorKind.INTERNAL if status >= 500 else RefusalKind.INVALID)
