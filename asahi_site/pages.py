"""The public pages: landing, pricing, guides, and where the API is described."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from asahi_site.guides import GUIDES, find_guide
from billing.plans import PLANS, TRIAL_DAYS
from caching.workflow.selection import measured_risk


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/landing.html")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look on pages that name no icon, such as the administration's."""
    del request
    return redirect(static("img/favicon.svg"))


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/pricing.html", {"plans": PLANS, "trial_days": TRIAL_DAYS})


@require_safe
def guide_index(request: HttpRequest) -> HttpResponse:
    return render(request, "guides/index.html")


@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    found = find_guide(slug)
    if found is None:
        raise Http404("No such guide")
    position = GUIDES.index(found)
    following = GUIDES[position + 1] if position + 1 < len(GUIDES) else None
    context = {
        "guide": found,
        "following": following,
        "default_output_tokens": settings.ASAHI.routing.default_max_output_tokens,
        "files": settings.ASAHI.files,
        "cache_hours": f"{settings.ASAHI.cache.t1_ttl_seconds / 3600:g}",
        "document_days": settings.ASAHI.cache.document_days,
        "step_days": f"{settings.ASAHI.cache.step_ttl_seconds / 86400:g}",
        "passages_kept": [(f"{share:.0%}", f"{kept:.0%}") for share, kept in measured_risk()],
    }
    return render(request, found.template, context)


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/api_docs.html")
