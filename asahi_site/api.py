"""The one NinjaAPI: every route of the HTTP API in one OpenAPI document."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

from django.http import Http404, HttpRequest
from django.http.response import HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from analytics import api as analytics
from asahi_site import errors
from asahi_site.health import router as health_router
from asahi_site.openapi.document import Document
from governance.auth import KeyAuth
from governance.domain import Scope
from inference.api.batches import router as batches_router
from inference.api.compatible import router as compatible_router
from inference.api.files import router as files_router
from inference.api.message_batches import router as message_batches_router
from inference.api.model_list import router as model_list_router
from inference.api.native import router as native_router
from inference.api.render import WireResponse
from inference.api.responses import router as responses_router
from inference.api.token_count import router as token_count_router

_HOT_PATHS = frozenset({"/infer", "/v1/chat/completions", "/v1/messages", "/v1/embeddings", "/v1/responses"})


class _Unused:
    """Stands where ninja would make a response. Has no attribute that could be set: sharing a real one between requests
    would show one caller another's answer."""

    __slots__ = ()


_UNUSED = cast("HttpResponse", _Unused())


class Api(NinjaAPI):
    """ninja makes a response beside every view, for headers set on it. The hot views make their own and use none."""

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        return _UNUSED if request.path_info in _HOT_PATHS else super().create_temporal_response(request)

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> Document:
        """With the routes of the management API, which ninja does not know. Made once: it takes a good part of a
        second, and anybody may ask for it."""
        del path_prefix, path_params
        return self._document

    @cached_property
    def _document(self) -> Document:
        return Document(self, "")


api = Api(
    title="Asahi",
    version="0.1.0",
    description="A gateway that lowers the LLM bill without lowering the answers, with a receipt for every saving.",
    openapi_url="/openapi.json",
    docs_url=None,
    urls_namespace="api",
)
api.add_router("", compatible_router)
api.add_router("", responses_router)
api.add_router("", model_list_router)
api.add_router("", token_count_router)
api.add_router("", files_router)
api.add_router("", batches_router)
api.add_router("", message_batches_router)
api.add_router("", native_router)
api.add_router("", health_router)
api.add_router("", analytics.router, auth=KeyAuth(Scope.ANALYTICS))
api.add_router("", analytics.receipts, auth=KeyAuth(Scope.INFER))
api.add_router("", analytics.operator)


def on_error(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """ninja's door to the one place that maps errors."""
    response = errors.response_for(request, cast("Exception", error))
    return cast("HttpResponse", response) if hasattr(request, "asahi_arrival") else as_django(response)


for kind in (Exception, Http404, HttpError, ValidationError):  # ninja has handlers of its own for the last three
    api.add_exception_handler(kind, on_error)


def as_django(response: WireResponse) -> HttpResponse:
    """The same answer for Django's full handler."""
    return HttpResponse(
        response.body,
        status=response.status_code,
        headers={name.decode(): value.decode("latin-1") for name, value in response.raw_headers},
    )
