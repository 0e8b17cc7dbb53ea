"""The forms of the account and organization pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from governance.domain import Scope
from governance.membership import may_manage_organization
from governance.models import Membership, Organization, User
from governance.workspaces import ensure_workspace

SCOPE_LABELS = {
    Scope.INFER: "Send requests (infer)",
    Scope.ANALYTICS: "Read figures (analytics)",
    Scope.ADMIN: "Manage the organization (admin)",
}


class SignupForm(forms.Form):
    """What signing up asks besides allauth's address and password."""

    org_name = forms.CharField(
        label="Organization",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    field_order = ["email", "password1", "org_name"]

    def signup(self, request: HttpRequest, user: User) -> None:
        """Called by allauth once the user is saved."""
        del request
        ensure_workspace(user, org_name=self.cleaned_data["org_name"])


class KeyForm(forms.Form):
    """A new API key. Only who manages the organization may hand out the admin scope."""

    name = forms.CharField(
        label="Name", max_length=80, help_text="Where the key will be used, so that you know it again."
    )
    scopes = forms.MultipleChoiceField(
        label="It may", widget=forms.CheckboxSelectMultiple, initial=[Scope.INFER.value], choices=[]
    )

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [Scope.INFER, Scope.ANALYTICS]
        if may_manage_organization(membership):
            offered.append(Scope.ADMIN)
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        scopes.choices = [(scope.value, SCOPE_LABELS[scope]) for scope in offered]

    def clean_scopes(self) -> list[Scope]:
        return [Scope(value) for value in self.cleaned_data["scopes"]]


class OrganizationForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    class Meta:
        model = Organization
        fields = ["name"]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    class Meta:
        model = User
        fields = ["full_name"]
        widgets = {"full_name": forms.TextInput(attrs={"autocomplete": "name"})}


class SwitchForm(forms.Form):
    """One of one's own organizations."""

    org = forms.ModelChoiceField(queryset=Organization.objects.none())

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["org"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Organization.objects.filter(memberships__user=user)
