"""Errors of API routes that Django's full handler serves and that a framework rendered in its own way."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from asahi_site import errors
from asahi_site.api import api, as_django


class ApiErrorMiddleware:
    """An API answers its errors in JSON, whoever made them: ninja says in plain text that a method is not allowed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        match = request.resolver_match
        if response.status_code < 400 or match is None or match.namespace != api.urls_namespace:
            return response
        if response.headers.get("content-type") == "application/json":
            return response
        return as_django(errors.own(request, response))


@csrf_exempt
def missing(request: HttpRequest, rest: str) -> HttpResponseBase:
    """For addresses below those of the API: a page for whoever wants one, JSON for all others."""
    if "text/html" in request.headers.get("accept", ""):
        raise Http404(rest)
    return as_django(errors.response_for(request, Http404()))
