"""The part of the API keys page that is about an organization's own keys for providers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from governance.membership import may_manage_organization
from governance.middleware import WorkspaceRequest, member_required
from governance.models import ProviderKey
from governance.provider_keys import KeyRefused, add_provider_key, disable_provider_key, known_providers


class ProviderKeyForm(forms.Form):
    """A new provider key."""

    prefix = "provider"
    provider = forms.ChoiceField(label="Provider", choices=[])
    key = forms.CharField(
        label="Key",
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Kept encrypted and never shown again. It takes the place of the one in use.",
    )
    base_url = forms.CharField(
        label="Address (optional)",
        max_length=300,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://llm.example.com/v1"}),
        help_text="For an endpoint of your own, or where the provider gives each account its own.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = sorted(known_providers().items(), key=lambda item: item[1].name.lower())
        self.fields["provider"].choices = [(id_, provider.name) for id_, provider in known]  # type: ignore[attr-defined]


def provider_keys_context(request: WorkspaceRequest, form: ProviderKeyForm | None = None) -> dict[str, object]:
    """What the section shows. A key is as good as the organization's money: its form is for who manages it."""
    names = known_providers()
    keys = ProviderKey.objects.for_org(request.org.pk).filter(disabled_at=None).order_by("provider")
    may_manage = may_manage_organization(request.membership)
    return {
        "provider_keys": [(key, names[key.provider].name if key.provider in names else key.provider) for key in keys],
        "provider_form": (form or ProviderKeyForm()) if may_manage else None,
    }


@require_POST
@never_cache
@member_required
def add(request: WorkspaceRequest) -> HttpResponse:
    """Takes a key, or shows what is wrong with it beside the form."""
    if not may_manage_organization(request.membership):
        raise PermissionDenied
    form = ProviderKeyForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        made = add_provider_key(
            org_id=request.org.pk, provider=given["provider"], secret=given["key"], base_url=given["base_url"],
            created_by=request.user,
        )  # fmt: skip
        if not isinstance(made, KeyRefused):
            messages.success(request, f"Calls to {known_providers()[made.provider].name} now use your own key.")
            return redirect("governance")
        form.add_error(made.field, made.reason)
    return render(request, "governance/provider_key.html", provider_keys_context(request, form))


@require_POST
@member_required
def remove(request: WorkspaceRequest, key_id: UUID) -> HttpResponse:
    """Forgets a key of this organization; another's is not found."""
    if not may_manage_organization(request.membership):
        raise PermissionDenied
    if not disable_provider_key(org_id=request.org.pk, key_id=key_id):
        raise Http404("No such key")
    messages.success(request, "The provider key is removed.")
    return redirect("governance")
