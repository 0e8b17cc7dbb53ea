"""Errors of the management API in the shape that every other route uses; Django REST framework's way to `errors`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http.response import HttpResponseBase
from ninja.errors import HttpError, ValidationError
from rest_framework import exceptions

from asahi_site import errors
from asahi_site.api import as_django


def handle(error: Exception, context: Mapping[str, Any]) -> HttpResponseBase:
    """Called by the framework with whatever a view raised."""
    request = context["request"]._request
    if isinstance(error, exceptions.ValidationError):
        error = ValidationError([{"loc": [place], "msg": message} for place, message in _problems(error.detail)])
    elif isinstance(error, RequestDataTooBig):
        error = HttpError(413, f"the body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes")
    elif isinstance(error, exceptions.APIException):
        error = HttpError(error.status_code, str(error.detail))
    return as_django(errors.response_for(request, error))


def _problems(detail: Any, place: str = "body") -> Iterator[tuple[str, str]]:
    """Each problem with the name of its field."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _problems(inner, place if name == "non_field_errors" else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _problems(inner, place)
    else:
        yield place, str(detail)
