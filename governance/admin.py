"""Customer success sees organizations, people and keys. A key's digest is never shown, and nobody makes a key here."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from governance.keys import revoke_key
from governance.models import ApiKey, Membership, Organization, Policy, User

admin.site.site_header = "Asahi administration"
admin.site.site_title = "Asahi"
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # rate limit, second factor
admin.site.unregister(Group)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]  # generic only in the stubs
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


class PolicyInline(admin.StackedInline):  # type: ignore[type-arg]  # generic only in the stubs
    model = Policy
    extra = 0
    readonly_fields = ["version", "updated_at"]


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    list_display = ["name", "plan", "created_at"]
    list_filter = ["plan"]
    search_fields = ["name", "id"]
    readonly_fields = ["id", "created_at"]
    inlines = [MembershipInline, PolicyInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        del request, obj
        return False  # the ledger outlives the contract


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Passwords are changed by their owners, through the reset mail."""

    list_display = ["email", "full_name", "is_active", "is_staff", "date_joined"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "full_name"]
    fields = ["email", "full_name", "is_active", "is_staff", "is_superuser", "date_joined", "last_login"]
    readonly_fields = ["date_joined", "last_login"]
    ordering = ["email"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Only a superuser makes staff."""
        del obj
        return [*self.readonly_fields, *([] if request.user.is_superuser else ["is_staff", "is_superuser"])]

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False


_KEY_FIELDS = (
    "name", "prefix", "org", "scopes", "created_by", "created_at", "expires_at", "last_used_at", "revoked_at",
)  # fmt: skip


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    list_display = ["name", "prefix", "org", "scopes", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["org"]
    search_fields = ["name", "prefix", "org__name"]
    fields = _KEY_FIELDS
    readonly_fields = _KEY_FIELDS
    actions = ["revoke"]

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        revoked = sum(revoke_key(org_id=key.org_id, key_id=key.pk) for key in queryset)
        self.message_user(request, f"{revoked} key(s) revoked.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        del request, obj
        return False
