"""The one NinjaAPI: every route of the HTTP API in one OpenAPI document."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from ninja import NinjaAPI, Redoc, Swagger

from asahi_site import errors
from asahi_site.health import router as health_router
from inference.api.compatible import router as compatible_router
from inference.api.native import router as native_router
from inference.api.render import WireResponse

api = NinjaAPI(
    title="Asahi",
    version="0.1.0",
    description="A gateway that lowers the LLM bill without lowering the answers, and shows a receipt for every saving.",
    openapi_url="/openapi.json",
    docs_url=None,
    urls_namespace="api",
)
api.add_router("", compatible_router)
api.add_router("", native_router)
api.add_router("", health_router)


@api.exception_handler(Exception)
def on_error(request: HttpRequest, error: Exception) -> HttpResponseBase:
    """ninja's door to the one place that maps errors."""
    response = errors.response_for(request, error)
    return response if hasattr(request, "asahi_arrival") else as_django(response)


def as_django(response: WireResponse) -> HttpResponse:
    """The same answer for Django's full handler."""
    return HttpResponse(
        response.body,
        status=response.status_code,
        headers={name.decode(): value.decode("latin-1") for name, value in response.raw_headers},
    )


swagger, redoc = Swagger(), Redoc()
