"""The pages about an organization and who may use it: API keys, settings, profile."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from governance.forms import KeyForm, OrganizationForm, ProfileForm, SwitchForm
from governance.keys import IssuedKey, issue_key, revoke_key
from governance.membership import CHOSEN_ORG, may_manage_keys, may_manage_organization
from governance.middleware import WorkspaceRequest, member_required
from governance.models import ApiKey, Membership
from governance.provider_pages import provider_keys_context


@require_http_methods(["GET", "POST"])
@never_cache
@member_required
def keys(request: WorkspaceRequest) -> HttpResponse:
    """Lists the organization's keys; a POST issues one and shows its secret in this one answer, never again."""
    form = KeyForm(request.POST or None, membership=request.membership)
    issued: IssuedKey | None = None
    if request.method == "POST":
        if not may_manage_keys(request.membership):
            raise PermissionDenied
        if form.is_valid():
            issued = _issue(request, form)
    return render(request, "governance/keys.html", _keys_context(request, form=form, issued=issued))


@require_POST
@member_required
def revoke(request: WorkspaceRequest, key_id: UUID) -> HttpResponse:
    """Revokes one key of this organization; another's is not found, as if it did not exist."""
    if not may_manage_keys(request.membership):
        raise PermissionDenied
    key = ApiKey.objects.for_org(request.org.pk).filter(pk=key_id).first()
    if key is None:
        raise Http404("No such key")
    if revoke_key(org_id=request.org.pk, key_id=key_id):
        messages.success(request, f"The key “{key.name}” is revoked.")
    return redirect("governance")


@require_http_methods(["GET", "POST"])
@member_required
def settings(request: WorkspaceRequest) -> HttpResponse:
    """The organization's own settings."""
    may_edit = may_manage_organization(request.membership)
    form = OrganizationForm(request.POST or None, instance=request.org)
    if request.method == "POST":
        if not may_edit:
            raise PermissionDenied
        if form.is_valid():
            form.save()
            messages.success(request, "The organization is saved.")
            return redirect("settings")
    context = {"form": form, "may_edit": may_edit, "memberships": _memberships_of(request)}
    return render(request, "governance/settings.html", context)


@require_POST
@member_required
def switch(request: WorkspaceRequest) -> HttpResponse:
    """Changes which of one's own organizations the pages show."""
    form = SwitchForm(request.POST, user=request.user)
    if not form.is_valid():
        raise Http404("Not a member")
    request.session[CHOSEN_ORG] = str(form.cleaned_data["org"].pk)
    return redirect("dashboard")


@require_http_methods(["GET", "POST"])
@member_required
def profile(request: WorkspaceRequest) -> HttpResponse:
    """The signed-in person: a name here, address, password and second factor on the account pages."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("profile")
    return render(request, "governance/profile.html", {"form": form})


def _issue(request: WorkspaceRequest, form: KeyForm) -> IssuedKey:
    return issue_key(
        org_id=request.org.pk,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        created_by=request.user,
    )


def _keys_context(request: WorkspaceRequest, *, form: KeyForm, issued: IssuedKey | None) -> dict[str, object]:
    return {
        "form": form if issued is None else KeyForm(membership=request.membership),
        "issued": issued,
        "issued_name": form.cleaned_data["name"] if issued else "",
        "api_keys": ApiKey.objects.for_org(request.org.pk).order_by("-created_at"),
        "may_manage": may_manage_keys(request.membership),
        "now": timezone.now(),
        **provider_keys_context(request),
    }


def _memberships_of(request: WorkspaceRequest) -> list[Membership]:
    return list(Membership.objects.filter(user_id=request.user.pk).select_related("org").order_by("joined_at"))
