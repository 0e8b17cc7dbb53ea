"""The cache page: what each tier is worth, what was decided lately and why, and how to correct it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from analytics import ids
from analytics.cache_feedback import NotJudged, judge
from analytics.cache_forms import ForgetForm, SemanticCacheForm
from analytics.cache_performance import cache_performance
from analytics.decisions import Decision, decision_about, recent_decisions
from analytics.periods import PERIODS, period_named
from analytics.receipt_schemas import ReceiptOut
from analytics.receipts import Receipt, find_receipt
from caching.models import CacheFeedback
from caching.purging import Kind, PurgeRefused, purge
from caching.realised import ENOUGH, realised_error
from governance.membership import may_manage_keys, may_manage_organization
from governance.middleware import WorkspaceRequest, member_required
from governance.policies import change_policy

RECENT_ROWS = 25


@require_GET
@never_cache
@member_required
def cache(request: WorkspaceRequest) -> HttpResponse:
    """The whole page."""
    return _page(request)


@require_GET
@never_cache
@member_required
def cache_figures(request: WorkspaceRequest) -> HttpResponse:
    """The part that changes by itself, for HTMX."""
    return render(request, "analytics/_cache.html", _figures(request))


@require_POST
@member_required
def change_settings(request: WorkspaceRequest) -> HttpResponse:
    """Sets the target, and switches answers by meaning on or off."""
    if not may_manage_organization(request.membership):
        raise PermissionDenied
    form = SemanticCacheForm(request.POST)
    if not form.is_valid():
        return _page(request, settings=form)
    change_policy(org_id=request.org.pk, changes=form.changes)
    messages.success(request, "The cache’s settings are saved. They hold from the next request on.")
    return redirect("cache")


@require_POST
@member_required
def forget(request: WorkspaceRequest) -> HttpResponse:
    """Forgets cached answers."""
    if not may_manage_organization(request.membership):
        raise PermissionDenied
    form = ForgetForm(request.POST)
    if not form.is_valid():
        return _page(request, forgetting=form)
    purged = purge(org_id=request.org.pk, kind=Kind(form.cleaned_data["kind"]), name=form.cleaned_data["name"])
    if isinstance(purged, PurgeRefused):
        form.add_error("name", purged.reason)
        return _page(request, forgetting=form)
    gone = sum(count or 0 for count in purged.counts.values())
    rest = "" if purged.complete else " A cache could not be reached: what it keeps is forgotten as soon as it can be."
    messages.success(request, f"Forgotten: {gone} cached {'answer' if gone == 1 else 'answers'}.{rest}")
    return redirect("cache")


@require_POST
@member_required
def say(request: WorkspaceRequest, request_id: str) -> HttpResponse:
    """Whether one answer was right; HTMX gets its row back."""
    if not may_manage_keys(request.membership):
        raise PermissionDenied
    came = judge(org_id=request.org.pk, request_id=request_id, wrong=request.POST.get("wrong") == "true")
    if came is None or isinstance(came, NotJudged):
        raise Http404("No such answer")
    if not getattr(request, "htmx", False):
        return redirect("cache")
    decision = decision_about(request.org.pk, request_id)
    context = {"decision": _judged(request.org.pk, [decision] if decision else [])[0], "may_judge": True}
    return render(request, "analytics/_cache_decision.html", context)


@require_GET
@never_cache
@member_required
def cache_request(request: WorkspaceRequest, request_id: str) -> HttpResponse:
    """The receipt of one request, for people."""
    receipt = find_receipt(request.org.pk, request_id)
    decision = decision_about(request.org.pk, request_id)
    if not isinstance(receipt, Receipt) or decision is None:
        raise Http404("No such request")
    context = {
        "decision": _judged(request.org.pk, [decision])[0],
        "receipt": ReceiptOut.of(receipt),
        "evidence": receipt.latest.receipt.get("evidence", {}),
        "may_judge": may_manage_keys(request.membership),
    }
    return render(request, "analytics/cache_request.html", context)


def _page(
    request: WorkspaceRequest, *, settings: SemanticCacheForm | None = None, forgetting: ForgetForm | None = None
) -> HttpResponse:
    context = _figures(request)
    if may_manage_organization(request.membership):
        context["settings_form"] = settings or _settings_of(request.org.pk)
        context["forget_form"] = forgetting or ForgetForm()
    return render(request, "analytics/cache.html", context)


def _figures(request: WorkspaceRequest) -> dict[str, Any]:
    period = period_named(request.GET.get("range"))
    since, until = period.bounds(timezone.now())
    return {
        "period": period,
        "periods": PERIODS,
        "performance": cache_performance(request.org.pk, since, until),
        "decisions": _judged(request.org.pk, recent_decisions(request.org.pk, RECENT_ROWS)),
        "enough": ENOUGH,
        "may_judge": may_manage_keys(request.membership),
    }


def _settings_of(org_id: UUID) -> SemanticCacheForm:
    error = realised_error(org_id)
    target = (Decimal(str(error.target)) * 100).normalize()
    return SemanticCacheForm(initial={"enabled": error.switched_on, "target": f"{target:f}"})


def _judged(org_id: UUID, decisions: Sequence[Decision]) -> list[Decision]:
    """With what somebody said of them."""
    wanted = [ids.to_uuid(decision.request_id) for decision in decisions]
    rows = CacheFeedback.objects.for_org(org_id).filter(request_id__in=wanted)
    said = {ids.from_uuid(request_uuid): wrong for request_uuid, wrong in rows.values_list("request_id", "wrong")}
    return [replace(decision, judged=said.get(decision.request_id)) for decision in decisions]
