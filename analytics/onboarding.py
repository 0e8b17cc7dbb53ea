"""Getting started: a key, a snippet, and the wait for the first request."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from analytics.figures import Inference
from analytics.queries import recent
from governance.domain import Scope
from governance.keys import IssuedKey, issue_key
from governance.membership import may_manage_keys
from governance.middleware import WorkspaceRequest, member_required
from governance.models import ApiKey

FIRST_KEY_NAME = "First key"


@require_http_methods(["GET", "POST"])
@never_cache
@member_required
def getting_started(request: WorkspaceRequest) -> HttpResponse:
    """The quick start. A POST issues a key and shows its secret in this one answer, never again."""
    issued = _issue_first_key(request) if request.method == "POST" else None
    context = {
        "issued": issued,
        "issued_name": FIRST_KEY_NAME,
        "may_manage": may_manage_keys(request.membership),
        "key_count": ApiKey.objects.for_org(request.org.pk).filter(revoked_at=None).count(),
        "first_request": _latest_request(request),
    }
    template = "analytics/_key_step.html" if getattr(request, "htmx", False) else "analytics/getting_started.html"
    return render(request, template, context)


@require_GET
@never_cache
@member_required
def first_request(request: WorkspaceRequest) -> HttpResponse:
    """The waiting panel by itself: it asks again until there is something to celebrate."""
    return render(request, "analytics/_first_request.html", {"first_request": _latest_request(request)})


def _issue_first_key(request: WorkspaceRequest) -> IssuedKey:
    if not may_manage_keys(request.membership):
        raise PermissionDenied
    return issue_key(org_id=request.org.pk, name=FIRST_KEY_NAME, scopes=[Scope.INFER], created_by=request.user)


def _latest_request(request: WorkspaceRequest) -> Inference | None:
    return next(iter(recent(request.org.pk, limit=1)), None)
