"""The two viewers of the OpenAPI document: Swagger to try it, ReDoc to read it. Their files are served from here."""

from __future__ import annotations

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from ninja import Redoc, Swagger

from asahi_site.api import api

# Both write style attributes and draw their own images; only these two pages let them.
_VIEWER_POLICY = {"style-src": [SELF, UNSAFE_INLINE], "img-src": [SELF, "data:", "blob:"], "worker-src": ["blob:"]}


@csp_replace(_VIEWER_POLICY)
def swagger(request: HttpRequest) -> HttpResponse:
    """`/docs`"""
    return Swagger().render_page(request, api)


@csp_replace(_VIEWER_POLICY)
def redoc(request: HttpRequest) -> HttpResponse:
    """`/redoc`"""
    return Redoc().render_page(request, api)
